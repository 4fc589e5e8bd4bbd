// The reference that Gatehouse is compared with: the whoami server of Logto's MCP guide, with the libraries it uses
// (`mcp-auth` in server mode, `@modelcontextprotocol/sdk`, Express). As in mcp-auth's whoami sample, MCP is served over
// stateless Streamable HTTP (a server and a transport per request), and each request's token is checked by asking the
// provider's userinfo endpoint. Settings: MCP_AUTH_ISSUER (required) and PORT.

import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import express from 'express';
import { MCPAuth, MCPAuthTokenVerificationError, fetchServerConfig } from 'mcp-auth';

const { MCP_AUTH_ISSUER, PORT = '3904' } = process.env;
if (!MCP_AUTH_ISSUER) {
  process.stderr.write('reference: MCP_AUTH_ISSUER must name the OIDC issuer\n');
  process.exit(2);
}

const authServerConfig = await fetchServerConfig(MCP_AUTH_ISSUER, { type: 'oidc' });
const { issuer, userinfoEndpoint } = authServerConfig.metadata;
const mcpAuth = new MCPAuth({ server: authServerConfig });

async function verifyToken(token) {
  const response = await fetch(userinfoEndpoint, { headers: { Authorization: `Bearer ${token}` } });
  if (!response.ok) throw new MCPAuthTokenVerificationError('token_verification_failed', response);
  const claims = await response.json();
  if (typeof claims?.sub !== 'string') throw new MCPAuthTokenVerificationError('invalid_token');
  return { token, issuer, subject: claims.sub, clientId: '', scopes: [], claims };
}

function createServer() {
  const server = new McpServer({ name: 'WhoAmI', version: '0.0.0' });
  server.registerTool('whoami', { description: 'Get the current user information', inputSchema: {} }, (_, { authInfo }) => ({
    content: [{ type: 'text', text: JSON.stringify(authInfo?.claims ?? { error: 'Not authenticated' }) }],
  }));
  return server;
}

const app = express();
app.use(mcpAuth.delegatedRouter());
app.use(mcpAuth.bearerAuth(verifyToken));
app.use(express.json());
app.post('/', async (request, response) => {
  const server = createServer();
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  response.on('close', () => {
    void transport.close();
    void server.close();
  });
  await server.connect(transport);
  await transport.handleRequest(request, response, request.body);
});

const listener = app.listen(Number(PORT), '127.0.0.1', (error) => {
  if (error) {
    process.stderr.write(`reference: port ${PORT}: ${error.message}\n`);
    process.exit(2);
  }
});
process.on('SIGTERM', () => {
  listener.close();
  listener.closeAllConnections();
});
