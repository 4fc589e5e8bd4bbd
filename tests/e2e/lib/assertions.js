// The forms of an assertion of who calls (docs/writing-a-tool.md) that examples/testdata/assertions.json lists, as somebody
// makes them who has the edge's key. What the file may say is in examples/README.md.

import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ROOT } from './system.js';

const { good, forms } = JSON.parse(readFileSync(join(ROOT, 'examples', 'testdata', 'assertions.json'), 'utf8'));
export const FORMS = forms;
const KEY_ID = 'k';

const encode = (text) => Buffer.from(text).toString('base64url');
const makeKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const jwkOf = (key) => ({ ...createPublicKey(key).export({ format: 'jwk' }), kid: KEY_ID });

export class Signer {
  #key = makeKey();
  #otherKey = makeKey();
  #issuer;

  /** `issuer`: the edge. */
  constructor(issuer) {
    this.#issuer = issuer;
  }

  /** The JWK Set of the edge, as text. */
  get keySet() {
    return JSON.stringify({ keys: [jwkOf(this.#key)] });
  }

  /** The assertion of a form, for the tool service `audience`, made now. */
  make(audience, form) {
    const now = Math.floor(Date.now() / 1000);
    const header = { ...good.header, ...form.header };
    const times = Object.entries({ ...good.times, ...form.times }).map(([name, seconds]) => [name, now + seconds]);
    const claims = { ...good.claims, ...Object.fromEntries(times), ...form.claims };
    for (const name of form.without ?? []) {
      delete header[name];
      delete claims[name];
    }
    const fillIn = (text) => Object.entries({
      AUDIENCE_IN_CAPITALS: audience.toUpperCase(), AUDIENCE: audience, ISSUER: this.#issuer, KEY_ID, NOW: `${now}`, SOON: `${now + 100}`,
      LONG_HEADER: 'x'.repeat(2_000), LONG_CLAIM: 'x'.repeat(300_000), '"OTHER_KEY"': JSON.stringify(jwkOf(this.#otherKey)),
    }).reduce((filled, [name, value]) => filled.replaceAll(name, value), text);
    const parts = [form.header_text ?? JSON.stringify(header), form.payload ?? JSON.stringify(claims)].map((text) => encode(fillIn(text)));
    const signature = sign('sha256', Buffer.from(parts.join('.')), {
      key: form.signature === 'other_key' ? this.#otherKey : this.#key,
      dsaEncoding: form.signature === 'der' ? 'der' : 'ieee-p1363',
    });
    const values = { HEADER: parts[0], PAYLOAD: parts[1], SIGNATURE: signature.toString('base64url') };
    return (form.compact ?? good.compact).replaceAll(/HEADER|PAYLOAD|SIGNATURE/g, (name) => values[name]);
  }
}
