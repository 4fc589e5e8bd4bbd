// Storage for what oidc-provider issues: sessions, grants, codes, tokens. In this process's memory, and with a file also
// there, so that tokens survive a restart as they do with a real provider. oidc-provider's own example keeps 1,000 entries
// at most, too few for load tests; this one keeps every entry until it expires.

import { closeSync, existsSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';

const SWEEP_INTERVAL_MS = 60_000;

// The models that a grant takes with it when it is revoked.
const GRANTED = new Set(['AccessToken', 'AuthorizationCode', 'RefreshToken']);

export class Store {
  #entries = new Map(); // key -> {payload, expiresAt}, or {expiresAt: 0} once deleted
  #grants = new Map(); // grant id -> Set of keys
  #file;

  /** `path`: where to keep everything (default: nowhere). One JSON line per change, written again at each start. */
  constructor(path) {
    setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS).unref();
    if (!path) return;
    if (existsSync(path)) this.#load(readFileSync(path, 'utf8'));
    const kept = [...this.#entries].map(([key, { payload, expiresAt }]) => this.#line(key, payload, expiresAt));
    writeFileSync(path, kept.join(''), { mode: 0o600 });
    this.#file = openSync(path, 'a');
  }

  get(key) {
    const entry = this.#entries.get(key);
    return entry && entry.expiresAt > Date.now() ? entry.payload : undefined;
  }

  set(key, payload, expiresInSeconds) {
    const expiresAt = expiresInSeconds ? Date.now() + expiresInSeconds * 1000 : Number.MAX_SAFE_INTEGER;
    this.#put(key, payload, expiresAt);
    this.#write(key, payload, expiresAt);
  }

  /** Notes that an entry has been used, in place. */
  touch(key) {
    const entry = this.#entries.get(key);
    if (entry) this.#write(key, entry.payload, entry.expiresAt);
  }

  delete(key) {
    const grantId = this.#entries.get(key)?.payload.grantId;
    this.#entries.delete(key);
    this.#write(key);
    const members = this.#grants.get(grantId);
    if (members?.delete(key) && members.size === 0) this.#grants.delete(grantId);
  }

  /** Ends a grant's tokens. The grant itself stays. */
  deleteGrant(grantId) {
    for (const key of this.#grants.get(grantId) ?? []) {
      this.#entries.delete(key);
      this.#write(key);
    }
    this.#grants.delete(grantId);
  }

  /** `[id, payload]` of each live entry of a model. */
  *of(model) {
    for (const key of this.#entries.keys()) {
      const payload = key.startsWith(`${model}:`) && this.get(key);
      if (payload) yield [key.slice(model.length + 1), payload];
    }
  }

  /** Ends everything that was issued to a person, sign-ins included. */
  endAccount(accountId) {
    for (const [id, { accountId: owner }] of [...this.of('Grant')]) {
      if (owner !== accountId) continue;
      this.deleteGrant(id);
      this.delete(`Grant:${id}`);
    }
    for (const [id, session] of [...this.of('Session')])
      if (session.accountId === accountId) this.delete(`Session:${id}`);
  }

  close() {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #put(key, payload, expiresAt) {
    this.#entries.set(key, { payload, expiresAt });
    if (!payload.grantId || !GRANTED.has(key.slice(0, key.indexOf(':')))) return;
    if (!this.#grants.has(payload.grantId)) this.#grants.set(payload.grantId, new Set());
    this.#grants.get(payload.grantId).add(key);
  }

  #line(key, payload, expiresAt) {
    return `${JSON.stringify({ key, payload, expiresAt })}\n`;
  }

  #write(key, payload, expiresAt) {
    if (this.#file !== undefined) writeSync(this.#file, this.#line(key, payload, expiresAt));
  }

  // The last line may be half written, when the process was killed.
  #load(text) {
    for (const line of text.split('\n').slice(0, -1)) {
      const { key, payload, expiresAt } = JSON.parse(line);
      if (payload && expiresAt > Date.now()) this.#put(key, payload, expiresAt);
      else this.#entries.delete(key);
    }
  }

  #sweep() {
    const now = Date.now();
    for (const [key, { expiresAt }] of this.#entries) if (expiresAt <= now) this.delete(key);
  }
}

/**
 * The adapter factory that oidc-provider's configuration asks for. `findClient`: a function from a client id to the
 * client's metadata, or undefined.
 */
export function adapters(store, findClient) {
  return (model) => {
    if (model === 'Client') return { find: async (id) => findClient(id) };
    return {
      async upsert(id, payload, expiresIn) {
        store.set(`${model}:${id}`, payload, expiresIn);
        if (model === 'Session') store.set(`SessionUid:${payload.uid}`, { id }, expiresIn);
      },
      async find(id) {
        return store.get(`${model}:${id}`);
      },
      async findByUid(uid) {
        const { id } = store.get(`SessionUid:${uid}`) ?? {};
        return id && store.get(`${model}:${id}`);
      },
      async findByUserCode() {
        return undefined; // no device flow to the end
      },
      async consume(id) {
        const payload = store.get(`${model}:${id}`);
        if (payload) payload.consumed = Math.floor(Date.now() / 1000);
        store.touch(`${model}:${id}`);
      },
      async destroy(id) {
        store.delete(`${model}:${id}`);
      },
      async revokeByGrantId(grantId) {
        store.deleteGrant(grantId);
      },
    };
  };
}
