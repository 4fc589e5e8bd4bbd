// The official MCP clients, each connected through the whole OAuth flow that it performs itself.

import * as v2 from '@modelcontextprotocol/client';
import { UnauthorizedError as UnauthorizedV1 } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport as SseV1 } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const INFO = { name: 'gatehouse-e2e', version: '1.0.0' };

// Connects; on the first 401 the SDK has signed the person in by the time it throws, so the code is exchanged and a
// fresh transport connects. Returns the connected client.
async function connectSigningIn({ newClient, newTransport, person, isUnauthorized, callbackArguments }) {
  const first = newTransport();
  const client = newClient();
  try {
    await client.connect(first);
    return { client, transport: first };
  } catch (error) {
    if (!isUnauthorized(error) || !person.callback) throw error;
  }
  await first.finishAuth(...callbackArguments(person.callback));
  const [transport, connected] = [newTransport(), newClient()];
  await connected.connect(transport);
  return { client: connected, transport };
}

/**
 * @modelcontextprotocol/client over Streamable HTTP. `mode`: auto, legacy, or a version to pin.
 * `fetch`: used for every request, to watch them.
 */
export function connectV2({ url, person, mode = 'auto', fetch = globalThis.fetch }) {
  const negotiation = ['auto', 'legacy'].includes(mode) ? mode : { pin: mode };
  return connectSigningIn({
    newClient: () => new v2.Client(INFO, { versionNegotiation: { mode: negotiation } }),
    newTransport: () => new v2.StreamableHTTPClientTransport(new URL(url), { authProvider: person, fetch }),
    person,
    isUnauthorized: (error) => error instanceof v2.UnauthorizedError,
    callbackArguments: (callback) => [callback],
  });
}

function connectV1(newTransport, person) {
  return connectSigningIn({
    newClient: () => new ClientV1(INFO),
    newTransport,
    person,
    isUnauthorized: (error) => error instanceof UnauthorizedV1,
    callbackArguments: (callback) => [callback.get('code')],
  });
}

/** @modelcontextprotocol/sdk over Streamable HTTP. */
export function connectV1Http({ url, person, fetch = globalThis.fetch }) {
  return connectV1(() => new HttpV1(new URL(url), { authProvider: person, fetch }), person);
}

/** @modelcontextprotocol/sdk over HTTP+SSE (2024-11-05). `url`: the SSE endpoint. */
export function connectV1Sse({ url, person, fetch = globalThis.fetch }) {
  return connectV1(() => new SseV1(new URL(url), { authProvider: person, fetch }), person);
}
