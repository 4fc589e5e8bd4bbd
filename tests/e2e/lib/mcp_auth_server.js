// A server that is guarded by the mcp-auth library and by nothing else, for tests that compare the edge with it. In this
// process, on loopback.

import { once } from 'node:events';

import express from 'express';
import { MCPAuth, MCPAuthTokenVerificationError, fetchServerConfig } from 'mcp-auth';

/**
 * Starts one that answers 200 with an empty object to whoever is let in. `issuer`: the provider; `resources`: protected
 * resources by the path at which they are guarded, as URL or as an object with `resource` and any of `requiredScopes`,
 * `asksUserinfo` (the token is shown to the userinfo endpoint, as in the library's own sample whoami, instead of being read as
 * a JWT) and `hasNoKeys` (the provider's metadata lack `jwks_uri`). Returns `{port, close}`.
 */
export async function startMcpAuthServer({ issuer, resources }) {
  const { metadata: fetched } = await fetchServerConfig(issuer, { type: 'oidc' });
  const metadata = { ...fetched, registrationEndpoint: `${issuer}/register` }; // without one the library warns

  const verifyByUserinfo = async (token) => {
    const response = await fetch(metadata.userinfoEndpoint, { headers: { Authorization: `Bearer ${token}` } });
    if (!response.ok) throw new MCPAuthTokenVerificationError('token_verification_failed', response);
    const claims = await response.json();
    if (typeof claims?.sub !== 'string') throw new MCPAuthTokenVerificationError('invalid_token');
    return { token, issuer, subject: claims.sub, clientId: '', scopes: [], claims };
  };

  const app = express();
  for (const [path, options] of Object.entries(resources)) {
    const { resource, requiredScopes, asksUserinfo, hasNoKeys } = typeof options === 'string' ? { resource: options } : options;
    const server = { type: 'oidc', metadata: hasNoKeys ? { ...metadata, jwksUri: undefined } : metadata };
    const guard = new MCPAuth({ protectedResources: { metadata: { resource, authorizationServers: [server] } } });
    const audience = asksUserinfo ? undefined : resource;
    const verify = asksUserinfo ? verifyByUserinfo : 'jwt';
    app.all(path, guard.bearerAuth(verify, { resource, audience, requiredScopes }), (_, response) => response.json({}));
  }
  const listener = app.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    port: listener.address().port,
    close: () => {
      listener.close();
      listener.closeAllConnections();
    },
  };
}
