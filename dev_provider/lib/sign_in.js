// Signs in at the development provider without a browser: follows the redirects of an authorization request with a
// cookie jar and fills in the forms. Shared by the token tool, the whoami tool and the end-to-end tests.

import { createHash, randomBytes } from 'node:crypto';

import { CLIENT_SECRET } from './clients.js';
import { MANAGEMENT_API } from './tenant.js';
import { PASSWORD } from './users.js';

const MAX_STEPS = 20;

/** What went wrong on the way, in words for a person. `error`: the OAuth error code, when there is one. */
export class SignInError extends Error {
  constructor(message, error) {
    super(message);
    this.error = error;
  }
}

// Cookies with their paths, which oidc-provider uses to keep parallel sign-ins apart. For one origin.
class CookieJar {
  #cookies = new Map(); // "name path" -> {name, value, path}

  store(response) {
    for (const line of response.headers.getSetCookie()) {
      const [pair, ...attributes] = line.split(/;\s*/);
      const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
      const attribute = (wanted) =>
        attributes.find((text) => text.toLowerCase().startsWith(`${wanted}=`))?.slice(wanted.length + 1);
      const path = attribute('path') ?? '/';
      const expires = attribute('expires');
      if (expires && new Date(expires) <= new Date()) this.#cookies.delete(`${name} ${path}`);
      else this.#cookies.set(`${name} ${path}`, { name, value, path });
    }
  }

  header(url) {
    const { pathname } = new URL(url);
    const matches = ({ path }) => path === '/' || pathname === path || pathname.startsWith(`${path}/`);
    return [...this.#cookies.values()]
      .filter(matches)
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
  }
}

// Answers the form of a page. `grant`: the scopes to tick, or undefined for all that the page offers.
function fillIn(page, { username, password, grant }) {
  const action = /<form method="post" action="([^"]+)"/.exec(page)?.[1];
  if (!action) throw new SignInError(`unexpected page: ${/<title>([^<]*)/.exec(page)?.[1] ?? 'not HTML'}`);
  if (page.includes('name="password"')) {
    const problem = /role="alert">([^<]*)\.</.exec(page)?.[1];
    if (problem) throw new SignInError(problem.toLowerCase(), 'access_denied');
    return { action, form: new URLSearchParams({ username, password }) };
  }
  const offered = [...page.matchAll(/name="grant" value="([^"]+)"/g)].map((match) => match[1]);
  const ticked = offered.filter((scope) => !grant || grant.includes(scope));
  const form = new URLSearchParams(ticked.map((scope) => ['grant', scope]));
  form.set('decision', grant?.length === 0 ? 'refuse' : 'allow');
  return { action, form };
}

/**
 * Follows an authorization URL to the client's redirect URI and returns that URL with the answer (`code` or `error`),
 * without requesting it. `grant`: the scopes to agree to (default: all asked for; empty: press Refuse).
 */
export async function followToCallback(authorizationUrl, { username = 'alice', password = PASSWORD, grant } = {}) {
  const redirectUri = new URL(new URL(authorizationUrl).searchParams.get('redirect_uri')).href;
  const jar = new CookieJar();
  let url = new URL(authorizationUrl).href;
  let request = {};
  for (let step = 0; step < MAX_STEPS; ++step) {
    const headers = { ...request.headers, Cookie: jar.header(url) };
    const response = await fetch(url, { ...request, headers, redirect: 'manual' });
    jar.store(response);
    const location = response.headers.get('location');
    if (location) {
      await response.body?.cancel();
      url = new URL(location, url).href;
      if (url.split('?')[0] === redirectUri) return new URL(url);
      request = {};
      continue;
    }
    const body = await response.text();
    if (!response.headers.get('content-type')?.startsWith('text/html')) {
      throw new SignInError(
        `the provider answered ${response.status}: ${body.slice(0, 300)}`,
        /"error":"(\w+)"/.exec(body)?.[1],
      );
    }
    const { action, form } = fillIn(body, { username, password, grant });
    url = new URL(action, url).href;
    request = { method: 'POST', body: form };
  }
  throw new SignInError('too many redirects');
}

async function discover(issuer) {
  const response = await fetch(`${issuer}/.well-known/openid-configuration`).catch((error) => {
    throw new SignInError(`cannot reach the provider at ${issuer}: ${error.cause?.code ?? error.message}`);
  });
  if (!response.ok) throw new SignInError(`${issuer} has no discovery document (HTTP ${response.status})`);
  return response.json();
}

/**
 * The whole authorization code flow with PKCE. Returns the token response. `resource`: the resource indicator that a
 * JWT is to be bound to; without it the token is opaque. `clientSecret`: of a confidential client. Throws SignInError, with `error` access_denied when refused.
 */
export async function obtainToken({
  issuer,
  clientId = 'smartmail',
  clientSecret,
  scope = 'openid profile email',
  resource,
  redirectUri = 'http://127.0.0.1:33418/callback', // never requested
  ...person
}) {
  const metadata = await discover(issuer);
  const verifier = randomBytes(32).toString('base64url');
  const state = randomBytes(16).toString('base64url');
  const url = new URL(metadata.authorization_endpoint);
  url.search = new URLSearchParams({
    client_id: clientId,
    response_type: 'code',
    redirect_uri: redirectUri,
    scope,
    state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...(resource && { resource }),
  });
  const callback = (await followToCallback(url, person)).searchParams;
  if (callback.get('state') !== state || callback.get('iss') !== issuer)
    throw new SignInError('the answer is not for this request');
  if (callback.has('error')) {
    const error = callback.get('error');
    throw new SignInError(
      `the provider refused: ${error} (${callback.get('error_description') ?? 'no description'})`,
      error,
    );
  }
  const response = await fetch(metadata.token_endpoint, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: clientId,
      ...(clientSecret && { client_secret: clientSecret }),
      code: callback.get('code'),
      redirect_uri: redirectUri,
      code_verifier: verifier,
      ...(resource && { resource }),
    }),
  });
  return tokenResponse(response);
}

/** A machine's token for a resource, with its own credentials. Returns the token response. Throws SignInError. */
export async function obtainMachineToken({
  issuer,
  clientId = 'gatehouse',
  clientSecret = CLIENT_SECRET,
  resource = MANAGEMENT_API,
  scope = 'all',
}) {
  const metadata = await discover(issuer);
  const credentials = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`).toString(
    'base64',
  );
  const response = await fetch(metadata.token_endpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource, scope }),
  });
  return tokenResponse(response);
}

async function tokenResponse(response) {
  const body = await response.json();
  if (!response.ok)
    throw new SignInError(`the token endpoint refused: ${body.error} (${body.error_description})`, body.error);
  return body;
}
