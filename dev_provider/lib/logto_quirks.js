// Where Logto's answers differ from those of the oidc-provider that it is built on: statuses, members of errors, headers.

import { createHash, randomUUID } from 'node:crypto';

const MOUNT = '/oidc';

const DISCOVERY = /^\/\.well-known\/(openid-configuration|oauth-authorization-server)$/;

function refuse(ctx, status, error, description) {
  ctx.status = status;
  ctx.body = { error, error_description: description };
}

function setChallenge(ctx, attributes) {
  const list = Object.entries({ realm: ctx.oidc.issuer, ...attributes }).map(([name, value]) => `${name}="${value}"`);
  ctx.set('WWW-Authenticate', `Bearer ${list.join(', ')}`);
}

// The application of a token was deleted after the token was issued.
function deletedApplication(ctx, tenant) {
  const clientId = ctx.oidc?.entities.AccessToken?.clientId;
  return clientId !== undefined && !tenant.application(clientId) ? clientId : undefined;
}

function fixUserinfo(ctx, tenant) {
  if (ctx.status < 400 || ctx.status === 404) return;
  const clientId = deletedApplication(ctx, tenant);
  if (clientId !== undefined) {
    refuse(ctx, 400, 'invalid_client', `invalid client ${clientId}`);
    setChallenge(ctx, { error: 'invalid_client', error_description: `invalid client ${clientId}` });
  }
}

// An unknown client is a mistake in the request (400), a wrong secret one in the authentication (401).
function fixToken(ctx) {
  const isUnknown = ctx.body?.error === 'invalid_client' && !ctx.oidc?.entities.Client;
  if (isUnknown) {
    ctx.status = 400;
    ctx.remove('WWW-Authenticate');
  }
}

function fixDiscovery(ctx, tenant) {
  ctx.body.grant_types_supported = [
    'implicit',
    'authorization_code',
    'refresh_token',
    'client_credentials',
    'urn:ietf:params:oauth:grant-type:device_code',
    'urn:ietf:params:oauth:grant-type:token-exchange',
  ];
  if (tenant.settings.cimd) ctx.body.client_id_metadata_document_supported = true;
}

function fixJwks(ctx) {
  const text = JSON.stringify(ctx.body);
  ctx.set('Cache-Control', 'no-cache, max-age=0, must-revalidate');
  ctx.set('ETag', `"${createHash('sha256').update(text).digest('base64url').slice(0, 27)}"`);
  if (ctx.fresh) ctx.status = 304;
}

/** Middleware for oidc-provider. */
export function logtoQuirks(tenant) {
  return async (ctx, next) => {
    ctx.set('Logto-Core-Request-Id', randomUUID());
    const path = ctx.path.replace(MOUNT, '');
    await next();
    if (ctx.status === 404 && !ctx.body)
      refuse(ctx, 404, 'invalid_request', `unrecognized route or not allowed method (${ctx.method} on ${path})`);
    if (path === '/me') fixUserinfo(ctx, tenant);
    if (path === '/token' || path === '/token/introspection' || path === '/token/revocation') fixToken(ctx);
    if (ctx.status === 200 && DISCOVERY.test(path)) fixDiscovery(ctx, tenant);
    if (ctx.status === 200 && path === '/jwks') fixJwks(ctx);
    // Every refusal has these two members more.
    if (ctx.status >= 400 && typeof ctx.body?.error === 'string') {
      ctx.body = { code: `oidc.${ctx.body.error}`, message: ctx.body.error_description ?? ctx.body.error, ...ctx.body };
    }
  };
}
