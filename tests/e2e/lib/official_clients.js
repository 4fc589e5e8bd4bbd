// The official MCP clients, each connected through the whole OAuth flow that it performs itself.

import * as v2 from '@modelcontextprotocol/client';
import { UnauthorizedError as UnauthorizedV1 } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport as SseV1 } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import * as typesV1 from '@modelcontextprotocol/sdk/types.js';

import { holderOf } from './oauth_person.js';

const REQUESTS_V1 = {
  'elicitation/create': typesV1.ElicitRequestSchema,
  'roots/list': typesV1.ListRootsRequestSchema,
  'sampling/createMessage': typesV1.CreateMessageRequestSchema,
};
const NOTIFICATIONS_V1 = {
  'notifications/message': typesV1.LoggingMessageNotificationSchema,
  'notifications/resources/updated': typesV1.ResourceUpdatedNotificationSchema,
  'notifications/tools/list_changed': typesV1.ToolListChangedNotificationSchema,
  'notifications/prompts/list_changed': typesV1.PromptListChangedNotificationSchema,
};
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

/**
 * An official client (@modelcontextprotocol/client, or with `sdk: 1` @modelcontextprotocol/sdk) that holds a token and
 * speaks exactly `version`. `sse`: over HTTP+SSE, `url` being that endpoint. `capabilities`: what it declares;
 * `handlers`: functions from the params of a request of the server, by method, to its result; `listeners`: functions
 * that get the params of notifications, by method; `fetch`: used for every request. Returns the client.
 */
export async function connectAs({ url, token, version, sse = false, sdk = 2, capabilities = {}, handlers = {}, listeners = {}, fetch = globalThis.fetch }) {
  if (sdk === 1) return connectAsV1({ url, token, version, sse, capabilities, handlers, listeners, fetch });
  const isModern = version === '2026-07-28';
  const client = new v2.Client(INFO, {
    capabilities,
    versionNegotiation: { mode: isModern ? { pin: version } : 'legacy' },
    ...(!isModern && { supportedProtocolVersions: [version] }),
  });
  for (const [method, handler] of Object.entries(handlers)) client.setRequestHandler(method, (request) => handler(request.params));
  for (const [method, listener] of Object.entries(listeners)) client.setNotificationHandler(method, (message) => listener(message.params));
  const Transport = sse ? v2.SSEClientTransport : v2.StreamableHTTPClientTransport;
  await client.connect(new Transport(new URL(url), { authProvider: holderOf(token), fetch }));
  return client;
}

// The older client offers its newest version only: an older one is put into its first request.
async function connectAsV1({ url, token, version, sse, capabilities, handlers, listeners, fetch }) {
  const client = new ClientV1(INFO, { capabilities });
  for (const [method, handler] of Object.entries(handlers)) client.setRequestHandler(REQUESTS_V1[method], (request) => handler(request.params));
  for (const [method, listener] of Object.entries(listeners)) client.setNotificationHandler(NOTIFICATIONS_V1[method], (message) => listener(message.params));
  const offering = (input, init) => {
    const isFirst = typeof init?.body === 'string' && init.body.includes('"method":"initialize"');
    return fetch(input, isFirst ? { ...init, body: init.body.replace(/"protocolVersion":"[^"]*"/, `"protocolVersion":"${version}"`) } : init);
  };
  await client.connect(new (sse ? SseV1 : HttpV1)(new URL(url), { authProvider: holderOf(token), fetch: offering }));
  return client;
}
