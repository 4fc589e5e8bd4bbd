// Tokens that the provider would never issue, signed with its own key or with others.

import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';

const encode = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** Forges access tokens for one system. */
export class Forger {
  #system;
  #jwk;
  #key;

  constructor(system) {
    this.#system = system;
    this.#jwk = system.signingKey();
    this.#key = createPrivateKey({ key: this.#jwk, format: 'jwk' });
  }

  #claims(changes) {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      jti: randomUUID(),
      sub: 'a1ice7k2m9xq',
      iat: now,
      exp: now + 600,
      scope: '',
      client_id: 'smartmail',
      iss: this.#system.issuer,
      aud: this.#system.mcpUrl,
      ...changes,
    };
    return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
  }

  #header(changes) {
    return { alg: 'ES384', typ: 'at+jwt', kid: this.#jwk.kid, ...changes };
  }

  /** A token signed with the provider's key. `claims`, `header`: what to change; undefined removes a member. */
  signed(claims = {}, header = {}, key = this.#key) {
    const input = `${encode(this.#header(header))}.${encode(this.#claims(claims))}`;
    return `${input}.${sign('sha384', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  }

  /** Signed with a key of the right type that the provider never published, under `kid`. */
  signedByStranger(kid = this.#jwk.kid) {
    return this.signed({}, { kid }, generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey);
  }

  /** `alg: none`, without a signature. */
  unsigned() {
    return `${encode(this.#header({ alg: 'none' }))}.${encode(this.#claims())}.`;
  }

  /** HS256, with the provider's public key as the shared secret. `format`: how the attacker wrote the key down. */
  signedWithPublicKey(format) {
    const publicKey = createPublicKey(this.#key);
    const secret = format === 'pem' ? publicKey.export({ type: 'spki', format: 'pem' }) : JSON.stringify(publicKey.export({ format: 'jwk' }));
    const input = `${encode(this.#header({ alg: 'HS256' }))}.${encode(this.#claims())}`;
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
  }

  /** A good token whose claims were changed afterwards. */
  tampered() {
    const [header, , signature] = this.signed().split('.');
    return `${header}.${encode(this.#claims({ sub: 'b0bq8r5t3wzn' }))}.${signature}`;
  }
}
