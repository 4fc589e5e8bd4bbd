// What the people who can sign in say about themselves, in the shapes that Logto uses: userinfo (timestamps in
// milliseconds, missing values null, `email_verified` meaning only "an email is set") and the Management API.

/** The password of alice and bob. It protects nothing: it is printed at start and shown on the sign-in page. */
export const PASSWORD = 'gatehouse-demo';

const CREATED_AT = Date.UTC(2026, 0, 1);

/** A user record. `heldScopes`: the API scopes that the user's roles give; null: every scope of every resource but the Management API's. */
export function newUser({
  id,
  username,
  password,
  name = null,
  email = null,
  heldScopes = null,
  createdAt = Date.now(),
}) {
  return { id, username, password, name, email, heldScopes, isSuspended: false, createdAt, updatedAt: createdAt };
}

/** The people who are there from the start. */
export const SEED_USERS = [
  { id: 'a1ice7k2m9xq', username: 'alice', name: 'Alice Example', email: 'alice@example.com' },
  {
    id: 'b0bq8r5t3wzn',
    username: 'bob',
    name: 'Bob Example',
    email: 'bob@example.com',
    heldScopes: ['todo:read', 'whoami:profile'],
  },
].map((user) => newUser({ password: PASSWORD, createdAt: CREATED_AT, ...user }));

/** The usernames of SEED_USERS, for the start line and the sign-in page. */
export const USERNAMES = SEED_USERS.map((user) => user.username);

/** Every claim about a user. oidc-provider picks those in scope. */
export function claimsOf(user) {
  return {
    sub: user.id,
    name: user.name,
    preferred_username: user.username,
    picture: null,
    updated_at: user.updatedAt,
    username: user.username,
    created_at: user.createdAt,
    email: user.email,
    email_verified: user.email !== null,
  };
}

/** A user as the Management API shows one. */
export function managementView(user) {
  return {
    id: user.id,
    username: user.username,
    primaryEmail: user.email,
    primaryPhone: null,
    name: user.name,
    avatar: null,
    customData: {},
    identities: {},
    lastSignInAt: user.lastSignInAt ?? null,
    createdAt: user.createdAt,
    updatedAt: user.updatedAt,
    profile: {},
    applicationId: null,
    isSuspended: user.isSuspended,
    hasPassword: true,
    ssoIdentities: [],
  };
}

/** Which claims each scope opens, in userinfo and ID tokens; the keys are the user scopes that exist. */
export const CLAIMS_BY_SCOPE = {
  openid: ['sub'],
  profile: ['name', 'preferred_username', 'picture', 'updated_at', 'username', 'created_at'],
  email: ['email', 'email_verified'],
  phone: ['phone_number', 'phone_number_verified'],
  address: ['address'],
  custom_data: ['custom_data'],
  identities: ['identities'],
  roles: ['roles'],
  'urn:logto:scope:organizations': ['organizations'],
  'urn:logto:scope:organization_roles': ['organization_roles'],
  'urn:logto:scope:sessions': [],
  'urn:logto:scope:trusted_devices': [],
};

/** Which claims each scope opens in tokens when the custom-claims script is on. */
export const TOKEN_CLAIMS_BY_SCOPE = {
  profile: ['username', 'name'],
  email: ['email'],
};
