// Preloaded into the conformance suite, which has no option for a token: adds the one in $MCP_BEARER to every request.

import diagnosticsChannel from 'node:diagnostics_channel';

const value = `Bearer ${process.env.MCP_BEARER}`;
diagnosticsChannel.subscribe('undici:request:create', ({ request }) => request.addHeader('authorization', value));
diagnosticsChannel.subscribe('http.client.request.created', ({ request }) => request.setHeader('authorization', value));
