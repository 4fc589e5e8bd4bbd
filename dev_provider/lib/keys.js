// The keys that sign JWTs: EC P-384 for ES384 as Logto's default, or RSA for RS256 after such a rotation. There are the
// current key and, after a rotation, the one before it; never more, so a second rotation drops the first.

import { createHash, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const CURRENT_FILE = 'signing_key.json';
const PREVIOUS_FILE = 'previous_signing_key.json';

/** The members of RFC 7638, in lexicographic order, no white space, hashed: the key's id. */
function thumbprint(members) {
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url');
}

function generateEc() {
  const { kty, crv, x, y, d } = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ format: 'jwk' });
  return { kty, crv, x, y, d, kid: thumbprint({ crv, kty, x, y }), alg: 'ES384', use: 'sig' };
}

// Without `alg`, as at Logto: whoever verifies must tell the algorithm from the key's type.
function generateRsa() {
  const jwk = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
  return { ...jwk, kid: thumbprint({ e: jwk.e, kty: jwk.kty, n: jwk.n }), use: 'sig' };
}

const GENERATORS = { EC: generateEc, RSA: generateRsa };

/** The current and the previous key, as private JWKs. */
export class KeyRing {
  #stateDir;

  /**
   * With a `stateDir` (an existing folder) the keys are kept there, so that tokens survive a restart; without, each start
   * has its own. Throws when a file there cannot be read or written.
   */
  constructor(stateDir) {
    this.#stateDir = stateDir;
    this.current = this.#read(CURRENT_FILE) ?? generateEc();
    this.previous = this.#read(PREVIOUS_FILE);
    this.#save();
  }

  /** The newest first. */
  get all() {
    return this.previous ? [this.current, this.previous] : [this.current];
  }

  /** The algorithm that the current key signs with. */
  get algorithm() {
    return this.current.kty === 'RSA' ? 'RS256' : 'ES384';
  }

  /** Makes a new current key. `type`: EC or RSA. */
  rotate(type) {
    this.previous = this.current;
    this.current = GENERATORS[type]();
    this.#save();
  }

  /** The claims of a JWT signed with one of the keys and not expired, or undefined. */
  claimsOf(jwt) {
    try {
      const [header, payload, signature] = jwt.split('.');
      const { kid } = JSON.parse(Buffer.from(header, 'base64url'));
      const jwk = this.all.find((candidate) => candidate.kid === kid);
      const key = { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' };
      const hash = jwk.kty === 'RSA' ? 'sha256' : 'sha384';
      if (!verify(hash, Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url')))
        return undefined;
      const claims = JSON.parse(Buffer.from(payload, 'base64url'));
      return claims.exp * 1000 > Date.now() ? claims : undefined;
    } catch {
      return undefined; // not one of our JWTs
    }
  }

  #read(name) {
    const file = this.#stateDir && join(this.#stateDir, name);
    return file && existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
  }

  #save() {
    if (!this.#stateDir) return;
    for (const [name, key] of [
      [CURRENT_FILE, this.current],
      [PREVIOUS_FILE, this.previous],
    ]) {
      if (key) writeFileSync(join(this.#stateDir, name), `${JSON.stringify(key)}\n`, { mode: 0o600 });
    }
  }
}
