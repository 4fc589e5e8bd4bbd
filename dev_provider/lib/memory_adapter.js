// Storage for oidc-provider in this process's memory. Its own example keeps 1,000 entries at most, too few for load
// tests; this one keeps every entry until it expires.

const SWEEP_INTERVAL_MS = 60_000;

class Store {
  #entries = new Map(); // key -> {payload, expiresAt}
  #grants = new Map(); // grant id -> Set of keys

  constructor() {
    setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS).unref();
  }

  get(key) {
    const entry = this.#entries.get(key);
    return entry && entry.expiresAt > Date.now() ? entry.payload : undefined;
  }

  set(key, payload, expiresInSeconds) {
    const expiresAt = expiresInSeconds ? Date.now() + expiresInSeconds * 1000 : Infinity;
    this.#entries.set(key, { payload, expiresAt });
  }

  addToGrant(grantId, key) {
    if (!this.#grants.has(grantId)) this.#grants.set(grantId, new Set());
    this.#grants.get(grantId).add(key);
  }

  delete(key) {
    const grantId = this.#entries.get(key)?.payload.grantId;
    this.#entries.delete(key);
    const members = this.#grants.get(grantId);
    if (members?.delete(key) && members.size === 0) this.#grants.delete(grantId);
  }

  deleteGrant(grantId) {
    for (const key of this.#grants.get(grantId) ?? []) this.#entries.delete(key);
    this.#grants.delete(grantId);
  }

  #sweep() {
    const now = Date.now();
    for (const [key, { expiresAt }] of this.#entries) if (expiresAt <= now) this.delete(key);
  }
}

// The models that a grant takes with it when it is revoked.
const GRANTED = new Set(['AccessToken', 'AuthorizationCode', 'RefreshToken']);

/** The adapter factory that oidc-provider's configuration asks for. One store per call. */
export function memoryAdapters() {
  const store = new Store();
  return (model) => ({
    async upsert(id, payload, expiresIn) {
      const key = `${model}:${id}`;
      store.set(key, payload, expiresIn);
      if (model === 'Session') store.set(`SessionUid:${payload.uid}`, { id }, expiresIn);
      if (GRANTED.has(model) && payload.grantId) store.addToGrant(payload.grantId, key);
    },
    async find(id) {
      return store.get(`${model}:${id}`);
    },
    async findByUid(uid) {
      const id = store.get(`SessionUid:${uid}`)?.id;
      return id && store.get(`${model}:${id}`);
    },
    async consume(id) {
      const payload = store.get(`${model}:${id}`);
      if (payload) payload.consumed = Math.floor(Date.now() / 1000);
    },
    async destroy(id) {
      store.delete(`${model}:${id}`);
    },
    async revokeByGrantId(grantId) {
      store.deleteGrant(grantId);
    },
  });
}
