// oidc-provider configured to behave like Logto on the wire: paths, token forms, claims, refusals.

import Provider, { errors, interactionPolicy } from 'oidc-provider';

import { refreshTokenLifetime } from './clients.js';
import { logtoQuirks } from './logto_quirks.js';
import { signedOutPage, signOutPage } from './pages.js';
import { adapters } from './store.js';
import { USER_SCOPES } from './tenant.js';
import { CLAIMS_BY_SCOPE, TOKEN_CLAIMS_BY_SCOPE } from './users.js';

const HOUR = 3600;
const DAY = 24 * HOUR;

// Consent is asked for what has not been granted yet, and not again at each sign-in only because the client is native.
function consentOnlyWhatIsMissing() {
  const policy = interactionPolicy.base();
  policy.get('consent').checks.remove('native_client_prompt');
  return policy;
}

// What a Logto custom-claims script adds to JWTs and to the introspection of opaque tokens: identity claims, only for the
// scopes that the user granted.
function customClaims(tenant, ctx, token) {
  const { AuthorizationCode, RefreshToken, Grant } = ctx.oidc.entities;
  const source = AuthorizationCode ?? RefreshToken;
  if (!tenant.settings.customClaims || !source || !Grant) return undefined;
  const available = tenant.claimsOf(token.accountId) ?? {};
  const extra = {};
  for (const scope of Grant.getOIDCScopeFiltered(source.scopes).split(' ')) {
    for (const claim of TOKEN_CLAIMS_BY_SCOPE[scope] ?? []) extra[claim] = available[claim];
  }
  return extra;
}

function renderError(ctx, out) {
  ctx.type = 'application/json';
  ctx.body = out;
}

function resourceServer(tenant, keys, ctx, indicator, client) {
  const resource = tenant.resourceOf(indicator);
  if (!resource) throw new errors.InvalidTarget();
  const userId = ctx.oidc.entities.Account?.accountId ?? ctx.oidc.session?.accountId;
  const isMachine = ctx.oidc.params.grant_type === 'client_credentials';
  return {
    scope: tenant.grantableScopes(resource, client.clientId, userId, isMachine).join(' '),
    audience: indicator,
    accessTokenFormat: 'jwt',
    accessTokenTTL: resource.accessTokenTtl,
    jwt: { sign: { alg: keys.algorithm, kid: keys.current.kid } },
  };
}

function defaultResource(tenant, ctx, oneOf) {
  const resource = oneOf?.[0] ?? tenant.resources.find(({ isDefault }) => isDefault)?.indicator;
  // A machine has no userinfo to read, so its token must be for something.
  if (!resource && ctx.oidc.params.grant_type === 'client_credentials') throw new errors.InvalidTarget();
  return resource;
}

/**
 * Builds the provider. `issuer`: its issuer identifier, with the path /oidc; `tenant`: who and what there is; `keys`: the
 * KeyRing; `store`: where it keeps what it issues; `cookieKeys`: what its cookies are signed with. Two providers with the
 * same store and cookie keys are the same to everybody but for their keys.
 */
export function createProvider({ issuer, tenant, keys, store, cookieKeys }) {
  const algorithms = keys.all.some(({ kty }) => kty === 'RSA') ? ['PS256', 'RS256', 'ES384'] : ['ES384'];
  const provider = new Provider(issuer, {
    adapter: adapters(store, (id) => tenant.clientMetadata(id)),
    claims: CLAIMS_BY_SCOPE,
    clientAuthMethods: ['client_secret_basic', 'client_secret_jwt', 'client_secret_post', 'private_key_jwt', 'none'],
    clientBasedCORS: (ctx, origin, client) => tenant.allowsOrigin(client.clientId, origin),
    clientDefaults: { id_token_signed_response_alg: keys.algorithm },
    conformIdTokenClaims: false, // ID tokens carry the claims themselves
    cookies: { keys: cookieKeys },
    enabledJWA: { idTokenSigningAlgValues: algorithms },
    extraTokenClaims: (ctx, token) => customClaims(tenant, ctx, token),
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      deviceFlow: { enabled: true },
      dPoP: { enabled: false },
      introspection: {
        enabled: true,
        // Any confidential client may ask about any token, a public one about its own.
        allowedPolicy: (ctx, client, token) => client.clientAuthMethod !== 'none' || token.clientId === client.clientId,
      },
      pushedAuthorizationRequests: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: (ctx, client, oneOf) => defaultResource(tenant, ctx, oneOf),
        getResourceServerInfo: (ctx, indicator, client) => resourceServer(tenant, keys, ctx, indicator, client),
        // The token request decides: without `resource` there, the token is opaque.
        useGrantedResource: () => false,
      },
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
    },
    findAccount: (ctx, sub) => tenant.activeUser(sub) && { accountId: sub, claims: () => tenant.claimsOf(sub) },
    formats: {
      customizers: {
        // `scope` holds resource scopes only, and is an empty string when there are none.
        jwt: (ctx, token, jwt) => {
          jwt.payload.scope ??= '';
        },
      },
    },
    interactions: {
      policy: consentOnlyWhatIsMissing(),
      url: (ctx, interaction) => `/${interaction.prompt.name === 'login' ? 'sign-in' : 'consent'}/${interaction.uid}`,
    },
    issueRefreshToken: (ctx, client, code) => {
      const isWeb = client.applicationType === 'web';
      const always =
        isWeb && tenant.application(client.clientId)?.customClientMetadata.alwaysIssueRefreshToken === true;
      return client.grantTypeAllowed('refresh_token') && (always || code.scopes.has('offline_access'));
    },
    jwks: { keys: keys.all },
    pkce: { required: (ctx, client) => client.clientAuthMethod === 'none' },
    renderError,
    responseTypes: ['code', 'id_token', 'code id_token', 'none'],
    routes: {
      authorization: '/auth',
      device_authorization: '/device/auth',
      end_session: '/session/end',
      introspection: '/token/introspection',
      jwks: '/jwks',
      pushed_authorization_request: '/request',
      revocation: '/token/revocation',
      token: '/token',
      userinfo: '/me',
    },
    scopes: USER_SCOPES,
    ttl: {
      AccessToken: (ctx, token) => token.resourceServer?.accessTokenTTL ?? HOUR,
      AuthorizationCode: 60,
      ClientCredentials: (ctx, token) => token.resourceServer?.accessTokenTTL ?? HOUR,
      Grant: 14 * DAY,
      IdToken: HOUR,
      Interaction: HOUR,
      RefreshToken: (ctx, token, client) => refreshTokenLifetime(tenant.application(client.clientId)),
      Session: 14 * DAY,
    },
  });
  provider.use(logtoQuirks(tenant));
  return provider;
}
