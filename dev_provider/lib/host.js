// The provider of the moment. oidc-provider cannot change its keys while it runs, so a rotation builds another one with
// the same store behind the same server.

import { randomBytes } from 'node:crypto';

import { log } from './log.js';
import { createProvider } from './provider.js';

export class ProviderHost {
  provider;
  /** The request listener of the provider of the moment. */
  callback;
  #parts;

  /** `parts`: what createProvider takes, but for the cookie keys. */
  constructor(parts) {
    this.#parts = { ...parts, cookieKeys: [randomBytes(32).toString('base64url')] };
    this.rebuild();
  }

  get issuer() {
    return this.#parts.issuer;
  }

  /** To be called when the keys have changed. Takes effect with the next request. */
  rebuild() {
    this.provider = createProvider(this.#parts);
    this.provider.on('server_error', (ctx, error) => log('error', 'server_error', { message: error.message }));
    this.callback = this.provider.callback();
  }
}
