// The applications that are there from the start, and how an application of the Management API looks to oidc-provider.

const HOSTS = ['127.0.0.1', 'localhost', '[::1]'];
const DAY = 24 * 3600;

/** The secret of the confidential applications. It protects nothing, like the users' password. */
export const CLIENT_SECRET = 'gatehouse-demo-secret';

// Native: matched with any port (RFC 8252). The paths are those that common MCP clients use.
const LOOPBACK_URIS = HOSTS.flatMap((host) =>
  ['/callback', '/oauth/callback', '/'].map((path) => `http://${host}${path}`),
);

/** What a third-party application may ask for: none of it until it is enabled for the application. */
export const NO_CONSENT_SCOPES = { userScopes: [], resourceScopes: [] };

/** An application record, with what a request left out. */
export function newApplication({
  id,
  name,
  type,
  isThirdParty = false,
  description = null,
  oidcClientMetadata,
  customClientMetadata,
  customData,
}) {
  return {
    id,
    name,
    type,
    isThirdParty,
    description,
    oidcClientMetadata: oidcClientMetadata ?? { redirectUris: [], postLogoutRedirectUris: [] },
    customClientMetadata: customClientMetadata ?? {},
    customData: customData ?? {},
    isAdmin: false, // whether it holds the role for the Management API
    secrets: [],
    consentScopes: NO_CONSENT_SCOPES,
    signInExperience: undefined,
    createdAt: Date.now(),
  };
}

const secrets = [{ name: 'Default secret', value: CLIENT_SECRET, expiresAt: null }];

/** Where `allScopes` is true, every user and resource scope is enabled for the application. */
export const SEED_APPLICATIONS = [
  newApplication({
    id: 'mailapp',
    name: 'Mail App',
    type: 'Native',
    oidcClientMetadata: { redirectUris: LOOPBACK_URIS, postLogoutRedirectUris: [] },
  }),
  {
    ...newApplication({
      id: 'smartmail',
      name: 'SmartMail',
      type: 'Native',
      isThirdParty: true,
      oidcClientMetadata: { redirectUris: LOOPBACK_URIS, postLogoutRedirectUris: [] },
    }),
    allScopes: true,
  },
  {
    ...newApplication({
      id: 'webmail',
      name: 'Web Mail',
      type: 'Traditional',
      oidcClientMetadata: { redirectUris: ['http://127.0.0.1:33418/callback'], postLogoutRedirectUris: [] },
    }),
    secrets,
  },
  { ...newApplication({ id: 'gatehouse', name: 'Gatehouse', type: 'MachineToMachine' }), secrets, isAdmin: true },
  { ...newApplication({ id: 'nightly', name: 'Nightly report', type: 'MachineToMachine' }), secrets },
];

const FLOW = { grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'] };
const BY_TYPE = {
  Native: { ...FLOW, application_type: 'native', token_endpoint_auth_method: 'none' },
  SPA: { ...FLOW, application_type: 'web', token_endpoint_auth_method: 'none' },
  Traditional: { ...FLOW, application_type: 'web', token_endpoint_auth_method: 'client_secret_basic' },
  MachineToMachine: {
    grant_types: ['client_credentials'],
    response_types: [],
    token_endpoint_auth_method: 'client_secret_basic',
  },
};

/** The types that the Management API knows. */
export const APPLICATION_TYPES = Object.keys(BY_TYPE);

/** How long an application's refresh tokens live, in seconds. */
export function refreshTokenLifetime(application) {
  return (application?.customClientMetadata.refreshTokenTtlInDays ?? 14) * DAY;
}

/** The client metadata (RFC 7591) of an application. `userScopes`: every user scope there is. */
export function clientMetadata(application, userScopes) {
  const isLimited = application.isThirdParty && !application.allScopes;
  const allowed = isLimited ? ['openid', 'offline_access', ...application.consentScopes.userScopes] : userScopes;
  const secret = application.secrets.find(({ expiresAt }) => expiresAt === null || expiresAt > Date.now());
  const { displayName } = application.signInExperience ?? {};
  return {
    client_id: application.id,
    client_name: displayName || application.name,
    redirect_uris: application.oidcClientMetadata.redirectUris,
    post_logout_redirect_uris: application.oidcClientMetadata.postLogoutRedirectUris,
    scope: [...new Set(allowed)].join(' '),
    ...BY_TYPE[application.type],
    ...(secret && { client_secret: secret.value }),
  };
}

/** Whether a page of this origin may call the provider on behalf of the application. */
export function allowsOrigin(application, origin) {
  const { redirectUris } = application.oidcClientMetadata;
  const origins = redirectUris.filter((uri) => URL.canParse(uri)).map((uri) => new URL(uri).origin);
  const isLoopback = /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(origin);
  // A page of a development server may use native applications, whatever its port.
  if (isLoopback && application.type === 'Native') return true;
  return [...origins, ...(application.customClientMetadata.corsAllowedOrigins ?? [])].includes(origin);
}
