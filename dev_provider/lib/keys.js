// The key that signs JWTs: EC P-384 for ES384, as Logto's default.

import { createHash, generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE_NAME = 'signing_key.json';

function generate() {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const { kty, crv, x, y, d } = privateKey.export({ format: 'jwk' });
  // RFC 7638: the members in lexicographic order, no white space.
  const kid = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
  return { kty, crv, x, y, d, kid, alg: 'ES384', use: 'sig' };
}

/**
 * The private signing key as a JWK. With a `stateDir` (an existing folder) it is kept there, so that tokens survive a
 * restart; without, each start has its own.
 */
export function signingKey(stateDir) {
  if (!stateDir) return generate();
  const file = join(stateDir, FILE_NAME);
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8'));
  const key = generate();
  writeFileSync(file, `${JSON.stringify(key)}\n`, { mode: 0o600 });
  return key;
}
