// oidc-provider configured to behave like Logto on the wire: paths, token forms, claims, refusals.

import { randomBytes } from 'node:crypto';
import Provider, { errors, interactionPolicy } from 'oidc-provider';

import { CLIENTS } from './clients.js';
import { memoryAdapters } from './memory_adapter.js';
import { signedOutPage, signOutPage } from './pages.js';
import { CLAIMS_BY_SCOPE, JWT_CLAIMS_BY_SCOPE, claimsOf } from './users.js';

const HOUR = 3600;
const DAY = 24 * HOUR;
const LOOPBACK_ORIGIN = /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

// Consent is asked for what has not been granted yet, and not again at each sign-in only because the client is native.
function consentOnlyWhatIsMissing() {
  const policy = interactionPolicy.base();
  policy.get('consent').checks.remove('native_client_prompt');
  return policy;
}

// What a Logto custom-claims script adds to a JWT: identity claims, only for the scopes that the user granted.
function identityClaims(ctx, token) {
  const { AuthorizationCode, RefreshToken, Grant } = ctx.oidc.entities;
  const source = AuthorizationCode ?? RefreshToken;
  if (!token.resourceServer || !source || !Grant) return undefined;
  const available = claimsOf(token.accountId) ?? {};
  const extra = {};
  for (const scope of Grant.getOIDCScopeFiltered(source.scopes).split(' ')) {
    for (const claim of JWT_CLAIMS_BY_SCOPE[scope] ?? []) extra[claim] = available[claim];
  }
  return extra;
}

function renderError(ctx, out) {
  ctx.type = 'application/json';
  ctx.body = { code: `oidc.${out.error}`, message: out.error_description ?? out.error, ...out };
}

function resourceServer(resources, resource) {
  if (!resources.includes(resource)) throw new errors.InvalidTarget();
  return { scope: '', audience: resource, accessTokenFormat: 'jwt', accessTokenTTL: HOUR, jwt: { sign: { alg: 'ES384' } } };
}

/**
 * Builds the provider. `issuer`: its issuer identifier, with the path /oidc; `resources`: the resource indicators that
 * tokens can be bound to, compared as strings; `signingKey`: a private JWK for ES384.
 */
export function createProvider({ issuer, resources, signingKey }) {
  return new Provider(issuer, {
    adapter: memoryAdapters(),
    clients: CLIENTS,
    clientDefaults: { id_token_signed_response_alg: 'ES384' },
    clientBasedCORS: (ctx, origin) => LOOPBACK_ORIGIN.test(origin),
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    jwks: { keys: [signingKey] },
    enabledJWA: { idTokenSigningAlgValues: ['ES384'] },
    pkce: { required: () => true },
    responseTypes: ['code'],
    scopes: ['openid', 'offline_access', 'profile', 'email'],
    claims: CLAIMS_BY_SCOPE,
    conformIdTokenClaims: false, // ID tokens carry the claims themselves
    findAccount: (ctx, sub) => claimsOf(sub) && { accountId: sub, claims: () => claimsOf(sub) },
    extraTokenClaims: identityClaims,
    formats: {
      customizers: {
        // `scope` holds resource scopes only; there are none, and Logto then sends an empty string.
        jwt: (ctx, token, jwt) => {
          jwt.payload.scope ??= '';
        },
      },
    },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      introspection: { enabled: true },
      revocation: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          ctx.body = signOutPage(form);
        },
        postLogoutSuccessSource: (ctx) => {
          ctx.body = signedOutPage();
        },
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: (ctx, client, oneOf) => oneOf?.[0],
        getResourceServerInfo: (ctx, resource) => resourceServer(resources, resource),
        // The token request decides: without `resource` there, the token is opaque.
        useGrantedResource: () => false,
      },
    },
    interactions: {
      policy: consentOnlyWhatIsMissing(),
      url: (ctx, interaction) => `/${interaction.prompt.name === 'login' ? 'sign-in' : 'consent'}/${interaction.uid}`,
    },
    renderError,
    routes: {
      authorization: '/auth',
      token: '/token',
      userinfo: '/me',
      jwks: '/jwks',
      introspection: '/token/introspection',
      revocation: '/token/revocation',
      end_session: '/session/end',
    },
    ttl: {
      AccessToken: HOUR,
      AuthorizationCode: 60,
      Grant: 14 * DAY,
      IdToken: HOUR,
      Interaction: HOUR,
      RefreshToken: 14 * DAY,
      Session: 14 * DAY,
    },
  });
}
