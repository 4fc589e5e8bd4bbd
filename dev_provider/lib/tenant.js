// What an administrator manages at a provider: users, applications, API resources and settings. oidc-provider asks here
// who may do what; the fake Management API changes it.

import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { SEED_APPLICATIONS, allowsOrigin, clientMetadata } from './clients.js';
import { CLAIMS_BY_SCOPE, SEED_USERS, claimsOf } from './users.js';

/** The indicator of the Management API, and its only scope. */
export const MANAGEMENT_API = 'https://default.logto.app/api';
const MANAGEMENT_SCOPE = 'all';

/** Every user scope there is. */
export const USER_SCOPES = [
  'openid',
  'offline_access',
  ...Object.keys(CLAIMS_BY_SCOPE).filter((scope) => scope !== 'openid'),
];

// The scopes of the resources given at start.
const SEED_SCOPES = {
  'todo:read': 'Read your to-do list',
  'todo:write': 'Add to your to-do list and tick things off',
  'todo:delete': 'Delete things from your to-do list',
  'whoami:profile': 'See your name',
  'whoami:email': 'See your email address',
};

const FILE_NAME = 'tenant.json';
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** A fresh id, as Logto makes them: 12 characters for users, 21 for most else. */
export function newId(length = 21) {
  return [...randomBytes(length)].map((byte) => ALPHABET[byte % ALPHABET.length]).join('');
}

/** The id of a scope that is there from the start: the same each time, so that it can be written into settings. */
export function seedScopeId(indicator, name) {
  const digest = createHash('sha256').update(`${indicator} ${name}`).digest();
  return [...digest.subarray(0, 21)].map((byte) => ALPHABET[byte % ALPHABET.length]).join('');
}

export class Tenant {
  users;
  applications;
  resources;
  settings;
  #file;

  /**
   * `resources`: the indicators of the API resources, each with SEED_SCOPES; `accessTokenTtl`: the lifetime of their
   * tokens in seconds; `customClaims`: whether the custom-claims script is on; `stateDir`: where to keep everything
   * (default: nowhere).
   */
  constructor({ resources, accessTokenTtl, customClaims, stateDir }) {
    this.#file = stateDir && join(stateDir, FILE_NAME);
    const kept = this.#file && existsSync(this.#file) ? JSON.parse(readFileSync(this.#file, 'utf8')) : {};
    this.users = kept.users ?? structuredClone(SEED_USERS);
    this.applications = kept.applications ?? structuredClone(SEED_APPLICATIONS);
    this.resources = kept.resources ?? [];
    this.settings = { cimd: false, ...kept.settings, customClaims: kept.settings?.customClaims ?? customClaims };
    const add = (indicator, name, scopes, ttl) => {
      if (this.resourceOf(indicator)) return;
      const resource = this.addResource({ name, indicator, accessTokenTtl: ttl });
      for (const [scope, description] of Object.entries(scopes))
        this.addScope(resource, { id: seedScopeId(indicator, scope), name: scope, description });
    };
    add(MANAGEMENT_API, 'Logto Management API', { [MANAGEMENT_SCOPE]: 'Everything' }, 3600);
    for (const indicator of resources) add(indicator, indicator, SEED_SCOPES, accessTokenTtl);
    this.save();
  }

  /** To be called after each change. */
  save() {
    if (!this.#file) return;
    const { users, applications, resources, settings } = this;
    writeFileSync(this.#file, JSON.stringify({ users, applications, resources, settings }), { mode: 0o600 });
  }

  /** The user, unless suspended or gone. */
  activeUser(id) {
    return this.users.find((user) => user.id === id && !user.isSuspended);
  }

  /** The user with this name and password, suspended or not. */
  authenticate(username, password) {
    return this.users.find(
      (user) => user.username === username && user.password !== undefined && user.password === password,
    );
  }

  application(id) {
    return this.applications.find((application) => application.id === id);
  }

  clientMetadata(id) {
    const application = this.application(id);
    return application && clientMetadata(application, USER_SCOPES);
  }

  allowsOrigin(clientId, origin) {
    const application = this.application(clientId);
    return application !== undefined && allowsOrigin(application, origin);
  }

  resourceOf(indicator) {
    return this.resources.find((resource) => resource.indicator === indicator);
  }

  addResource({ name, indicator, accessTokenTtl = 3600 }) {
    const resource = { id: newId(), name, indicator, accessTokenTtl, isDefault: false, scopes: [] };
    this.resources.push(resource);
    return resource;
  }

  addScope(resource, { id = newId(), name, description = '' }) {
    const scope = { id, resourceId: resource.id, name, description, createdAt: Date.now() };
    resource.scopes.push(scope);
    return scope;
  }

  /** What a scope of any resource allows, in words. */
  scopeDescription(name) {
    return this.resources.flatMap(({ scopes }) => scopes).find((scope) => scope.name === name)?.description;
  }

  /**
   * The scopes of a resource that a client can get: those that the user holds and, for a third-party application, that
   * are enabled for it. `userId`: undefined while nobody has signed in. `isMachine`: the application acts for itself.
   */
  grantableScopes(resource, clientId, userId, isMachine) {
    const application = this.application(clientId);
    const isManagement = resource.indicator === MANAGEMENT_API;
    if (isMachine) return isManagement && application?.isAdmin ? [MANAGEMENT_SCOPE] : [];
    const user = this.users.find(({ id }) => id === userId);
    const held = ({ name }) => !isManagement && (!user?.heldScopes || user.heldScopes.includes(name));
    const isLimited = application?.isThirdParty && !application.allScopes;
    const enabled = ({ id }) => !isLimited || application.consentScopes.resourceScopes.includes(id);
    return resource.scopes.filter((scope) => held(scope) && enabled(scope)).map(({ name }) => name);
  }

  claimsOf(userId) {
    const user = this.activeUser(userId);
    return user && claimsOf(user);
  }
}
