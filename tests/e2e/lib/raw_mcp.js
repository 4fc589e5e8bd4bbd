// MCP without an SDK, for what an SDK hides: events and their ids, broken connections, odd messages. Every message that
// comes is validated against the schema of its version (schema_check.js); see WireCheck.assertValid.

import { WireCheck } from './schema_check.js';

const ACCEPT = 'application/json, text/event-stream';
const MODERN = '2026-07-28';

/** Yields the events of an SSE body as `{id, event, data, retry}`, each field undefined where the event has none. */
export async function* eventsOf(response) {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of response.body) {
    rest += decoder.decode(chunk, { stream: true });
    for (let end; (end = rest.indexOf('\n\n')) !== -1; rest = rest.slice(end + 2)) {
      const event = {};
      for (const line of rest.slice(0, end).split('\n')) {
        const match = /^(id|event|data|retry): ?(.*)$/.exec(line);
        if (match) event[match[1]] = match[2];
      }
      if (Object.keys(event).length > 0) yield event;
    }
  }
}

/** Yields the JSON-RPC messages of an answer, whether it is JSON or a stream. */
export async function* messagesOf(response) {
  if (response.headers.get('content-type')?.startsWith('text/event-stream')) {
    for await (const { data } of eventsOf(response)) if (data) yield JSON.parse(data);
    return;
  }
  const text = await response.text();
  if (text) yield* [JSON.parse(text)].flat();
}

/** A client of 2026-07-28. `capabilities`: what it declares in each request. */
export class ModernClient {
  check = new WireCheck();
  #nextId = 1;

  constructor({ url, token, capabilities = {} }) {
    Object.assign(this, { url, token, capabilities });
  }

  /** The `init` of fetch for a request. `meta`: beside what each request has. */
  request(method, params = {}, { id = this.#nextId++, capabilities = this.capabilities, meta = {}, headers = {}, signal } = {}) {
    const name = params.name ?? params.uri ?? params.taskId;
    const _meta = { 'io.modelcontextprotocol/protocolVersion': MODERN, 'io.modelcontextprotocol/clientCapabilities': capabilities, ...meta };
    return {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Accept: ACCEPT,
        Authorization: `Bearer ${this.token}`,
        'MCP-Protocol-Version': MODERN,
        'Mcp-Method': method,
        ...(/^(tools\/call|prompts\/get|resources\/read|tasks\/(get|update|cancel))$/.test(method) && { 'Mcp-Name': name }),
        ...headers,
      },
      body: JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta } }),
      signal,
    };
  }

  /** Sends a request and returns the response of fetch, not yet read. */
  send(method, params, options) {
    return this.check.fetch(this.url, this.request(method, params, options));
  }

  /** Sends a request. Returns `{status, messages, result, error}`: all messages, and of the last its outcome. */
  async call(method, params, options) {
    const response = await this.send(method, params, options);
    const messages = [];
    for await (const message of messagesOf(response)) messages.push(message);
    const { result, error } = messages.at(-1) ?? {};
    return { status: response.status, messages, result, error };
  }

  /** As call, for a tool; throws when there is no result. */
  async tool(name, args = {}, more = {}, options = {}) {
    const { result, error, status } = await this.call('tools/call', { name, arguments: args, ...more }, options);
    if (!result) throw new Error(`${name}: ${status} ${JSON.stringify(error)}`);
    return result;
  }
}

/** A session of Streamable HTTP, 2025-03-26 to 2025-11-25. Make it with LegacySession.open. */
export class LegacySession {
  check = new WireCheck();
  #nextId = 1;

  static async open({ url, token, version, capabilities = {} }) {
    const session = new LegacySession();
    Object.assign(session, { url, token, version });
    const clientInfo = { name: 'gatehouse-e2e', version: '1.0.0' };
    const response = await session.post({
      jsonrpc: '2.0', id: 0, method: 'initialize', params: { protocolVersion: version, capabilities, clientInfo },
    });
    session.id = response.headers.get('mcp-session-id');
    for await (const message of messagesOf(response)) session.initializeResult = message.result;
    session.version = session.initializeResult?.protocolVersion ?? version;
    await session.post({ jsonrpc: '2.0', method: 'notifications/initialized' });
    return session;
  }

  #headers(more) {
    return {
      Accept: ACCEPT,
      Authorization: `Bearer ${this.token}`,
      ...(this.id && { 'Mcp-Session-Id': this.id, ...(this.version >= '2025-06-18' && { 'MCP-Protocol-Version': this.version }) }),
      ...more,
    };
  }

  /** Sends a message, or an array of them, and returns the response of fetch, not yet read. */
  post(message, { signal } = {}) {
    const headers = this.#headers({ 'Content-Type': 'application/json' });
    return this.check.fetch(this.url, { method: 'POST', headers, body: JSON.stringify(message), signal });
  }

  /** A request message with a fresh id. */
  message(method, params = {}) {
    return { jsonrpc: '2.0', id: this.#nextId++, method, params };
  }

  /** Sends a request. Returns `{status, messages, result, error}` as ModernClient.call. */
  async call(method, params, options) {
    const response = await this.post(this.message(method, params), options);
    const messages = [];
    for await (const message of messagesOf(response)) messages.push(message);
    const { result, error } = messages.at(-1) ?? {};
    return { status: response.status, messages, result, error };
  }

  /** Opens the stream of the session, or resumes one after the event `lastEventId`. */
  stream({ lastEventId, signal, token = this.token } = {}) {
    const headers = this.#headers({ Accept: 'text/event-stream', ...(lastEventId && { 'Last-Event-ID': lastEventId }) });
    return this.check.fetch(this.url, { headers: { ...headers, Authorization: `Bearer ${token}` }, signal });
  }

  end() {
    return fetch(this.url, { method: 'DELETE', headers: this.#headers() });
  }
}
