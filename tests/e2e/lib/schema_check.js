// Validates what the edge sends against the official JSON schema of the protocol version in force (tests/schemas/).
//
// A WireCheck is one client's `fetch`: it looks at every JSON-RPC message in both directions, remembers which method each
// id asked for, and so knows the type that each answer must have. It changes nothing and delays nothing.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import Ajv from 'ajv';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

import { ROOT } from './system.js';

export const VERSIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'];
const MODERN = '2026-07-28';

// Types of results by method; where none is named (extensions), only the envelope is checked.
const RESULTS = {
  initialize: 'InitializeResult',
  ping: 'EmptyResult',
  'completion/complete': 'CompleteResult',
  'logging/setLevel': 'EmptyResult',
  'prompts/get': 'GetPromptResult',
  'prompts/list': 'ListPromptsResult',
  'resources/list': 'ListResourcesResult',
  'resources/read': 'ReadResourceResult',
  'resources/subscribe': 'EmptyResult',
  'resources/templates/list': 'ListResourceTemplatesResult',
  'resources/unsubscribe': 'EmptyResult',
  'server/discover': 'DiscoverResult',
  'subscriptions/listen': 'SubscriptionsListenResult',
  'tools/call': 'CallToolResult',
  'tools/list': 'ListToolsResult',
};
// Of extensions: the core schema does not know them.
const EXTENSION_NOTIFICATIONS = new Set(['notifications/tasks']);

const schemas = new Map();
function schemaOf(version) {
  if (!schemas.has(version)) {
    const schema = JSON.parse(readFileSync(join(ROOT, 'tests', 'schemas', `${version}.json`), 'utf8'));
    const modern = schema.$defs !== undefined;
    const ajv = new (modern ? Ajv2020 : Ajv)({ strict: false, allErrors: true });
    addFormats(ajv);
    ajv.addFormat('byte', /^[A-Za-z0-9+/]*={0,2}$/); // as base64 in JSON has it; ajv-formats is slow on long ones
    ajv.addSchema(schema, version);
    schemas.set(version, { ajv, definitions: modern ? '$defs' : 'definitions', names: schema.$defs ?? schema.definitions });
  }
  return schemas.get(version);
}

/** What is wrong with `message`, as the type `definition` of a version; empty when nothing is. */
export function violations(version, definition, message) {
  const { ajv, definitions, names } = schemaOf(version);
  if (!(definition in names)) return [`the schema of ${version} has no ${definition}`];
  const validate = ajv.getSchema(`${version}#/${definitions}/${definition}`);
  if (validate(message)) return [];
  return validate.errors.map(({ instancePath, message: text }) => `${instancePath || '/'} ${text}`);
}

const has = (version, definition) => definition in schemaOf(version).names;

// The definition that a whole message must satisfy.
function envelopeOf(version, message) {
  if (message.method !== undefined) return message.id === undefined ? 'JSONRPCNotification' : 'JSONRPCRequest';
  if (message.error !== undefined) return has(version, 'JSONRPCErrorResponse') ? 'JSONRPCErrorResponse' : 'JSONRPCError';
  return has(version, 'JSONRPCResultResponse') ? 'JSONRPCResultResponse' : 'JSONRPCResponse';
}

/** What is wrong with a message from the server; `method`: for a response, that of its request. */
export function messageViolations(version, message, method) {
  if (message.error !== undefined && message.id === undefined && version < '2025-11-25') {
    // The error of a POST whose id could not be read: those schemas want one, and the transport's text does not.
    return violations(version, envelopeOf(version, message), { ...message, id: 0 });
  }
  const wrong = violations(version, envelopeOf(version, message), message);
  if (message.method !== undefined && message.id === undefined) {
    if (!EXTENSION_NOTIFICATIONS.has(message.method)) wrong.push(...violations(version, 'ServerNotification', message));
  } else if (message.method !== undefined) {
    wrong.push(...(has(version, 'ServerRequest') ? violations(version, 'ServerRequest', message) : ['a request from the server']));
  } else if (message.result !== undefined) {
    const { resultType } = message.result;
    if (version === MODERN && typeof resultType !== 'string') wrong.push('/result must have resultType');
    if (version !== MODERN && resultType !== undefined) wrong.push('/result must not have resultType');
    const type = resultType === 'input_required' ? 'InputRequiredResult' : resultType === 'task' ? undefined : RESULTS[method];
    if (type) wrong.push(...violations(version, type, message.result));
  }
  return wrong;
}

/** Passes server-sent events on and calls `onData` with the data of each that is a message. */
function watchEvents(onData) {
  const decoder = new TextDecoder();
  let rest = '';
  return new TransformStream({
    transform(chunk, controller) {
      rest += decoder.decode(chunk, { stream: true });
      const events = rest.split(/\r?\n\r?\n/);
      rest = events.pop();
      for (const event of events) {
        const lines = event.split(/\r?\n/);
        const data = lines.filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trimStart()).join('\n');
        const isMessage = !lines.some((line) => line.startsWith('event:') && line.slice(6).trim() !== 'message');
        if (data && isMessage) onData(data);
      }
      controller.enqueue(chunk);
    },
  });
}

/** One client's view of the wire. Give `fetch` to the client, and call `assertValid` at the end. */
export class WireCheck {
  /** The version in force; known after `initialize`, and for modern requests from their header. */
  version;
  /** Each message that came, as `{version, message}`, in order. */
  received = [];
  /** Each HTTP exchange that has begun, as `{method, url, status, headers}`. */
  exchanges = [];
  #wrong = [];
  #methods = new Map(); // id, with its type, of a request -> method
  #fetch;

  constructor({ fetch = globalThis.fetch } = {}) {
    this.#fetch = fetch;
    this.fetch = this.fetch.bind(this);
  }

  async fetch(input, init = {}) {
    const headers = new Headers(init.headers);
    const sent = typeof init.body === 'string' ? this.#read(init.body) : undefined;
    for (const message of [sent].flat()) {
      if (message?.method !== undefined && message.id !== undefined) this.#methods.set(JSON.stringify(message.id), message.method);
    }
    const header = headers.get('mcp-protocol-version');
    const version = header === MODERN ? MODERN : undefined;
    const response = await this.#fetch(input, init);
    this.exchanges.push({ method: init.method ?? 'GET', url: String(input.url ?? input), status: response.status, headers: response.headers });
    const type = response.headers.get('content-type') ?? '';
    if (!response.body || !/^(application\/json|text\/event-stream)/.test(type) || !/\/(mcp|sse|messages)\b/.test(new URL(response.url).pathname)) {
      return response;
    }
    if (new URL(response.url).pathname.startsWith('/.well-known')) return response;
    if (type.startsWith('application/json')) {
      const text = await response.text();
      this.#take(text, version);
      return new Response(text, { status: response.status, statusText: response.statusText, headers: response.headers });
    }
    const body = response.body.pipeThrough(watchEvents((data) => this.#take(data, version)));
    return new Response(body, { status: response.status, statusText: response.statusText, headers: response.headers });
  }

  #read(text) {
    try {
      return JSON.parse(text);
    } catch {
      return undefined;
    }
  }

  #take(text, requestVersion) {
    const parsed = this.#read(text);
    if (parsed === undefined) {
      this.#wrong.push(`not JSON: ${text.slice(0, 200)}`);
      return;
    }
    if (Array.isArray(parsed) && this.version !== '2025-03-26') this.#wrong.push('a batch');
    for (const message of [parsed].flat()) {
      const method = message.id === undefined ? undefined : this.#methods.get(JSON.stringify(message.id));
      if (method === 'initialize' && message.result) this.version = message.result.protocolVersion;
      // An error before any version was agreed upon has the form that all have.
      const version = requestVersion ?? this.version ?? '2025-11-25';
      this.received.push({ version, message });
      const wrong = messageViolations(version, message, method);
      if (wrong.length > 0) this.#wrong.push(`${version} ${method ?? message.method ?? 'error'}: ${wrong.slice(0, 5).join('; ')}\n  ${text.slice(0, 600)}`);
    }
  }

  /** The messages that came while `work` was done, in their order. A client may pass them on in another one. */
  async during(work) {
    const begin = this.received.length;
    await work();
    return this.received.slice(begin).map(({ message }) => message);
  }

  /** Throws when a message was not as its version has it; or when there was none, as then nothing was checked. */
  assertValid() {
    assert.equal(this.#wrong.join('\n'), '');
    assert.notEqual(this.received.length, 0, 'no message was seen');
  }
}
