// Constant load from several workers, and what became of each call.

import { Agent, request } from 'node:http';

import { modernRequest } from './mcp.js';

function send(url, agent, { headers, body }, timeoutMs) {
  return new Promise((resolve, reject) => {
    const req = request(url, {
      method: 'POST',
      agent,
      headers: { ...headers, 'Content-Length': Buffer.byteLength(body) },
    });
    req.setTimeout(timeoutMs, () => req.destroy(Object.assign(new Error('no answer'), { code: 'TIMEOUT' })));
    req.on('error', reject);
    req.on('response', (res) => {
      let text = '';
      res.setEncoding('utf8').on('data', (chunk) => (text += chunk));
      res.on('end', () => resolve({ status: res.statusCode, headers: res.headers, text }));
      res.on('error', reject);
    });
    req.end(body);
  });
}

// What a caller can make of an answer, and the message if it is an error. Anything but these kinds is a defect:
//   ok           a result
//   unavailable  503 with Retry-After
//   rpc_error    a JSON-RPC error with a code and a message
//   refused      the connection was refused: the call was never accepted
function judge({ status, headers, text }) {
  if (status === 503) return { kind: headers['retry-after'] ? 'unavailable' : '503 without Retry-After', detail: text };
  let json;
  try {
    json = JSON.parse(text);
  } catch {
    return { kind: `status ${status}, not JSON`, detail: text };
  }
  if (status === 200 && json.result && !json.result.isError) return { kind: 'ok' };
  const { code, message } = json.error ?? {};
  if (status === 200 && Number.isInteger(code) && message) return { kind: 'rpc_error', detail: message };
  return { kind: `status ${status}`, detail: text };
}

/** One call of whoami with this token: `{kind, detail}` as judge says. */
export function callOnce({ url, token, timeoutMs = 15_000 }) {
  const target = new URL(url);
  target.hostname = '127.0.0.1';
  const call = modernRequest('tools/call', { name: 'whoami', arguments: {} }, token);
  return outcomeOf(send(target, undefined, call, timeoutMs));
}

function outcomeOf(answer) {
  return answer.then(judge, ({ code }) => ({ kind: code === 'ECONNREFUSED' ? 'refused' : `connection: ${code}` }));
}

/**
 * Calls whoami with `workers` workers until stopped. `token`: the access token, or a function that gives one for each call;
 * `keepAlive`: whether a worker reuses its connection.
 */
export class Load {
  /** One `{kind, detail, startMs, endMs}` per call, times as performance.now(); `detail`: the message of an rpc_error. */
  outcomes = [];
  #stopped = false;
  #agent;
  #workers;

  constructor({ url, token, workers = 8, keepAlive = true, timeoutMs = 15_000 }) {
    this.#agent = new Agent({ keepAlive, maxSockets: workers });
    const target = new URL(url);
    target.hostname = '127.0.0.1'; // no name look-ups in the way
    this.#workers = Array.from({ length: workers }, async () => {
      while (!this.#stopped) {
        const startMs = performance.now();
        const call = modernRequest(
          'tools/call',
          { name: 'whoami', arguments: {} },
          typeof token === 'function' ? token() : token,
        );
        const outcome = await outcomeOf(send(target, this.#agent, call, timeoutMs));
        this.outcomes.push({ ...outcome, startMs, endMs: performance.now() });
        // Do not spin while nobody listens.
        if (outcome.kind !== 'ok') await new Promise((resume) => setTimeout(resume, 20));
      }
    });
  }

  /** Starts no further call, waits for those under way, and returns all outcomes. */
  async stop() {
    this.#stopped = true;
    await Promise.all(this.#workers);
    this.#agent.destroy();
    return this.outcomes;
  }

  /** How many outcomes there are of each kind, of the calls that started at or after `sinceMs`. */
  counts(sinceMs = 0) {
    const counts = {};
    for (const { kind, startMs } of this.outcomes) if (startMs >= sinceMs) counts[kind] = (counts[kind] ?? 0) + 1;
    return counts;
  }
}
