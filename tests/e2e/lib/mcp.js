// Bare MCP requests, without an SDK: for tests of what an SDK would never send, and for load.

let nextId = 1;

/** The `_meta` that each request of revision 2026-07-28 carries. */
export const MODERN_META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};

/** The headers and the body of one modern request. */
export function modernRequest(method, params = {}, token) {
  const headers = {
    'Content-Type': 'application/json',
    Accept: 'application/json, text/event-stream',
    'MCP-Protocol-Version': '2026-07-28',
    'Mcp-Method': method,
    ...(params.name !== undefined && { 'Mcp-Name': params.name }),
    ...(token !== undefined && { Authorization: `Bearer ${token}` }),
  };
  const body = { jsonrpc: '2.0', id: nextId++, method, params: { ...params, _meta: MODERN_META } };
  return { headers, body: JSON.stringify(body) };
}

/** Reads a JSON-RPC answer, sent as JSON or as the last event of an SSE stream. */
export async function readAnswer(response) {
  const text = await response.text();
  if (response.headers.get('content-type')?.startsWith('text/event-stream')) {
    const data = text.split('\n').filter((line) => line.startsWith('data:')).at(-1);
    return data && JSON.parse(data.slice(5));
  }
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Sends one modern request and returns `{status, headers, body}`, the body parsed. */
export async function callModern(url, method, params, token, { timeoutMs = 30_000 } = {}) {
  const response = await fetch(url, { method: 'POST', ...modernRequest(method, params, token), signal: AbortSignal.timeout(timeoutMs) });
  return { status: response.status, headers: response.headers, body: await readAnswer(response) };
}

/** Calls whoami the modern way. */
export function callWhoami(system, token, options) {
  return callModern(system.mcpUrl, 'tools/call', { name: 'whoami', arguments: {} }, token, options);
}
