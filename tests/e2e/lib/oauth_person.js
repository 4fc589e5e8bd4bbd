// The OAuth half of an official MCP client: what the SDK calls OAuthClientProvider, for both
// @modelcontextprotocol/client and @modelcontextprotocol/sdk, and a person who answers the provider's pages.

import { randomUUID } from 'node:crypto';

import { followToCallback } from '../../../dev_provider/lib/sign_in.js';

const UNUSED_REDIRECT_URI = 'http://127.0.0.1:33418/callback'; // a browserless sign-in stops before requesting it

/**
 * Signs in by HTTP instead of in a browser. Returns a `visit` function for OAuthPerson. `username`, `password` and
 * `grant` (the scopes to agree to; default all, empty refuses) as in followToCallback.
 */
export function browserless(person = {}) {
  return (url) => followToCallback(url, person);
}

/** One person at one client application. Keeps what the SDK wants kept. */
export class OAuthPerson {
  /** The parameters of the provider's answer, once there is one: `code` or `error`. */
  callback;
  /** The authorization URL that the SDK made. */
  authorizationUrl;
  #clientId;
  #discovery;
  #redirectUri;
  #state;
  #tokens;
  #verifier;
  #visit;

  /**
   * `visit`: takes the authorization URL to the end, and returns the redirect URI with the answer.
   * `clientId`: a client registered at the provider.
   */
  constructor({ visit = browserless(), clientId = 'smartmail', redirectUri = UNUSED_REDIRECT_URI } = {}) {
    this.#visit = visit;
    this.#clientId = clientId;
    this.#redirectUri = redirectUri;
  }

  get redirectUrl() {
    return this.#redirectUri;
  }

  get clientMetadata() {
    return {
      client_name: this.#clientId,
      redirect_uris: [this.#redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
  }

  state() {
    this.#state = randomUUID();
    return this.#state;
  }

  clientInformation() {
    return { client_id: this.#clientId };
  }

  tokens() {
    return this.#tokens;
  }

  saveTokens(tokens) {
    this.#tokens = tokens;
  }

  saveCodeVerifier(verifier) {
    this.#verifier = verifier;
  }

  codeVerifier() {
    return this.#verifier;
  }

  saveDiscoveryState(state) {
    this.#discovery = state;
  }

  discoveryState() {
    return this.#discovery;
  }

  async redirectToAuthorization(url) {
    this.authorizationUrl = url;
    this.callback = (await this.#visit(url)).searchParams;
    if (this.callback.get('state') !== this.#state) throw new Error('the answer is not for this request');
    if (this.callback.has('error')) throw new Error(`the provider refused: ${this.callback.get('error')}`);
  }
}

/** Somebody who holds a ready token and cannot get another. */
export function holderOf(accessToken) {
  const refuse = () => {
    throw new Error('the preset token was refused');
  };
  return {
    redirectUrl: UNUSED_REDIRECT_URI,
    clientMetadata: { redirect_uris: [UNUSED_REDIRECT_URI] },
    clientInformation: () => ({ client_id: 'smartmail' }),
    tokens: () => ({ access_token: accessToken, token_type: 'Bearer' }),
    saveTokens: refuse,
    saveCodeVerifier: () => {},
    codeVerifier: refuse,
    redirectToAuthorization: refuse,
  };
}
