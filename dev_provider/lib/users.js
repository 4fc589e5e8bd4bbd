// The two people who can sign in, and what they say about themselves in the shape that Logto's userinfo uses
// (timestamps in milliseconds, missing values null, `email_verified` meaning only "an email is set").

/** The password of both users. It protects nothing: it is printed at start and shown on the sign-in page. */
export const PASSWORD = 'gatehouse-demo';

const CREATED_AT = Date.UTC(2026, 0, 1);

const USERS = [
  { sub: 'a1ice7k2m9xq', username: 'alice', name: 'Alice Example', email: 'alice@example.com' },
  { sub: 'b0bq8r5t3wzn', username: 'bob', name: 'Bob Example', email: 'bob@example.com' },
];

/** The usernames, for the start line and the sign-in page. */
export const USERNAMES = USERS.map((user) => user.username);

/** The subject of the user with this username and password, or undefined. */
export function authenticate(username, password) {
  const user = USERS.find((candidate) => candidate.username === username);
  return user && password === PASSWORD ? user.sub : undefined;
}

/** The username behind a subject, for the consent page. */
export function usernameOf(sub) {
  return USERS.find((user) => user.sub === sub)?.username;
}

/** Every claim about the subject, or undefined when there is no such user. oidc-provider picks those in scope. */
export function claimsOf(sub) {
  const user = USERS.find((candidate) => candidate.sub === sub);
  if (!user) return undefined;
  return {
    sub,
    name: user.name,
    preferred_username: user.username,
    picture: null,
    updated_at: CREATED_AT,
    username: user.username,
    created_at: CREATED_AT,
    email: user.email,
    email_verified: true,
  };
}

/** Which claims each scope opens, in userinfo and ID tokens. */
export const CLAIMS_BY_SCOPE = {
  openid: ['sub'],
  profile: ['name', 'preferred_username', 'picture', 'updated_at', 'username', 'created_at'],
  email: ['email', 'email_verified'],
};

/** Which claims each scope opens in a JWT access token: what a Logto custom-claims script would add. */
export const JWT_CLAIMS_BY_SCOPE = {
  profile: ['username', 'name'],
  email: ['email'],
};
