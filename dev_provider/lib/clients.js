// The two registered applications: public native clients that listen on a loopback port of their choice (RFC 8252).

// Matched with any port. The paths are those that common MCP clients use.
const REDIRECT_URIS = ['127.0.0.1', 'localhost', '[::1]'].flatMap((host) =>
  ['/callback', '/oauth/callback', '/'].map((path) => `http://${host}${path}`),
);

const NATIVE = {
  application_type: 'native',
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  redirect_uris: REDIRECT_URIS,
  scope: 'openid offline_access profile email',
};

export const CLIENTS = [
  { ...NATIVE, client_id: 'mailapp', client_name: 'Mail App' },
  { ...NATIVE, client_id: 'smartmail', client_name: 'SmartMail' },
];

/** Whether the application belongs to the provider's own organisation: its users are never asked for consent. */
export function isFirstParty(clientId) {
  return clientId === 'mailapp';
}
