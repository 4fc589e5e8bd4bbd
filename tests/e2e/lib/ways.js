// The ways in which official clients reach the edge: each protocol version over the transport that it has, and the older
// payloads that are in use over the other one.

import { connectAs } from './official_clients.js';
import { WireCheck } from './schema_check.js';

/** Each `{name, version, sse, sdk}`; see connectAs. */
export const WAYS = [
  { version: '2026-07-28' },
  { version: '2025-11-25' },
  { version: '2025-06-18' },
  { version: '2025-03-26' },
  { version: '2024-11-05', sse: true },
  { version: '2025-11-25', sse: true },
  { version: '2025-11-25', sdk: 1 },
  { version: '2025-11-25', sdk: 1, sse: true },
  { version: '2024-11-05', sdk: 1, sse: true },
].map((way) => ({
  ...way,
  name: `${way.version}, ${way.sse ? 'HTTP+SSE' : 'Streamable HTTP'}, @modelcontextprotocol/${way.sdk === 1 ? 'sdk' : 'client'}`,
}));

export const isModern = ({ version }) => version === '2026-07-28';

/** Whether that version lets a server ask the user. */
export const hasElicitation = ({ version }) => version >= '2025-06-18';

/**
 * Connects in one way; `options` as connectAs. Returns `{client, check, close}`: `close` also checks that every message
 * was as its version has it.
 */
export async function connectBy(way, system, { token, ...options } = {}) {
  const url = way.sse ? system.sseUrl : system.mcpUrl;
  const check = new WireCheck();
  token ??= await system.token({ resource: url });
  const client = await connectAs({ url, token, fetch: check.fetch, ...way, ...options });
  const close = async () => {
    await client.close();
    check.assertValid();
  };
  return { client, check, close };
}
