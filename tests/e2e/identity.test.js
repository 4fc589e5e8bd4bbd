// Who a caller is: every shape of token that Logto issues, by every way to learn of its user. The provider has no
// custom-claims script, so that its JWTs name nobody.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { CLIENT_SECRET } from '../../dev_provider/lib/clients.js';
import { obtainMachineToken, obtainToken } from '../../dev_provider/lib/sign_in.js';
import { callWhoami } from './lib/mcp.js';
import { System, until } from './lib/system.js';

const ALICE = 'a1ice7k2m9xq';
const TOKEN_CLAIMS = ['aud', 'client_id', 'exp', 'iat', 'iss', 'jti', 'scope', 'sub'];

// What whoami says to a good token: `{claims, sources, audienceKnown}`, sources as {claim: source}.
async function identityOf(system, token) {
  const { status, body, headers } = await callWhoami(system, token);
  assert.equal(status, 200, `${headers.get('www-authenticate')} ${JSON.stringify(body)}`);
  assert.ok(body.result, JSON.stringify(body));
  const { audienceKnown, claimSources: sources } = body.result._meta['dev.gatehouse/identity'];
  const claims = body.result.structuredContent;
  assert.deepEqual(Object.keys(sources).sort(), Object.keys(claims).sort(), 'each claim has a source');
  return { claims, sources, audienceKnown };
}

async function assertRefused(system, token, description) {
  const { status, headers } = await callWhoami(system, token);
  assert.equal(status, 401);
  const challenge = headers.get('www-authenticate');
  assert.match(challenge, /error="invalid_token"/);
  if (description) assert.match(challenge, description);
}

const sourcesOf = ({ sources }, source) =>
  Object.keys(sources)
    .filter((claim) => sources[claim] === source)
    .sort();

describe('--profile=token --opaque_tokens=userinfo, two issuers', { timeout: 60_000 }, () => {
  let system;
  before(async () => {
    system = await System.start('identity_token', {
      providerFlags: ['--custom_claims=false'],
      hasSecondProvider: true,
      authFlags: ({ issuer, otherIssuer }) => [
        `--issuers=${issuer},${otherIssuer}`,
        '--verdict_ttl=0s',
        '--negative_verdict_ttl=0s',
      ],
      edgeFlags: ['--verdict_ttl=0s'],
    });
  });
  after(() => system?.stop());

  it('a JWT says what it says and names nobody', async () => {
    const identity = await identityOf(system, await system.token({ scope: 'openid profile email todo:read' }));
    assert.deepEqual(sourcesOf(identity, 'token'), TOKEN_CLAIMS);
    assert.equal(identity.claims.sub, ALICE);
    assert.equal(identity.claims.scope, 'todo:read');
    assert.equal(identity.audienceKnown, true);
  });

  it('a JWT with custom claims names its user', async () => {
    await system.manage('PUT', '/configs/jwt-customizer/access-token', { script: 'x' });
    const identity = await identityOf(system, await system.token());
    assert.equal(identity.claims.email, 'alice@example.com');
    assert.equal(identity.sources.email, 'token');
    await system.manage('DELETE', '/configs/jwt-customizer/access-token');
  });

  it('an opaque token is what userinfo says of it, and for nobody in particular', async () => {
    const identity = await identityOf(system, await system.token({ resource: null }));
    assert.equal(identity.claims.username, 'alice');
    assert.equal(identity.claims.picture, null);
    assert.deepEqual(sourcesOf(identity, 'userinfo'), Object.keys(identity.claims).sort());
    assert.equal(identity.audienceKnown, false);
    const only = await identityOf(system, await system.token({ resource: null, scope: 'openid' }));
    assert.deepEqual(only.claims, { sub: ALICE });
  });

  it('an opaque token of a confidential client is as good', async () => {
    const token = await system.token({ resource: null, clientId: 'webmail', clientSecret: CLIENT_SECRET });
    assert.equal((await identityOf(system, token)).claims.username, 'alice');
  });

  it('a JWT for the default resource, had without naming it, is as good', async () => {
    const resource = (await system.manage('GET', '/resources')).find(({ indicator }) => indicator === system.mcpUrl);
    await system.manage('PATCH', `/resources/${resource.id}/is-default`, { isDefault: true });
    const identity = await identityOf(system, await system.token({ resource: null, scope: 'todo:read' }));
    assert.equal(identity.claims.aud, system.mcpUrl);
    await system.manage('PATCH', `/resources/${resource.id}/is-default`, { isDefault: false });
  });

  it('a machine is its client', async () => {
    const { access_token: token } = await obtainMachineToken({
      issuer: system.issuer,
      clientId: 'nightly',
      resource: system.mcpUrl,
      scope: '',
    });
    const { claims } = await identityOf(system, token);
    assert.equal(claims.sub, 'nightly');
    assert.equal(claims.client_id, 'nightly');
  });

  it('a JWT of the second issuer is good, and another person than of the first', async () => {
    const { access_token: token } = await obtainToken({ issuer: system.otherIssuer, resource: system.mcpUrl });
    const { claims } = await identityOf(system, token);
    assert.equal(claims.iss, system.otherIssuer);
    assert.equal(claims.sub, ALICE);
  });

  it('refused: an opaque token of the second issuer', async () => {
    const { access_token: token } = await obtainToken({ issuer: system.otherIssuer });
    await assertRefused(system, token);
  });

  it('refused: an opaque token without openid', async () => {
    await assertRefused(system, await system.token({ resource: null, scope: 'profile' }));
  });

  it('refused: an opaque token whose application was deleted', async () => {
    const application = await system.manage('POST', '/applications', {
      name: 'Short-lived',
      type: 'Native',
      oidcClientMetadata: { redirectUris: ['http://127.0.0.1/callback'], postLogoutRedirectUris: [] },
    });
    const token = await system.token({ resource: null, clientId: application.id });
    await identityOf(system, token);
    await system.manage('DELETE', `/applications/${application.id}`);
    await assertRefused(system, token);
  });

  it('refused: an opaque token whose grant was taken back', async () => {
    const token = await system.token({ resource: null });
    await identityOf(system, token);
    const { grants } = await system.manage('GET', `/users/${ALICE}/grants`);
    for (const { id } of grants) await system.manage('DELETE', `/users/${ALICE}/grants/${id}`);
    await assertRefused(system, token);
  });

  it('503, and not a refusal: userinfo answers 500 as text', async () => {
    const token = await system.token({ resource: null });
    await system.fault({ path: '/oidc/me', kind: 'error' });
    const { status, headers } = await callWhoami(system, token);
    assert.equal(status, 503);
    assert.ok(Number(headers.get('retry-after')) > 0);
    await system.clearFaults();
    await until('the token is good again', async () => (await callWhoami(system, token)).status === 200, {
      timeoutMs: 20_000,
    });
  });
});

describe('--opaque_tokens=refuse', { timeout: 60_000 }, () => {
  it('takes JWTs alone', async () => {
    const system = await System.start('identity_refuse', { authFlags: ['--opaque_tokens=refuse'] });
    try {
      await assertRefused(system, await system.token({ resource: null }));
      await identityOf(system, await system.token());
    } finally {
      await system.stop();
    }
  });
});

describe('--profile=userinfo --opaque_tokens=introspection', { timeout: 60_000 }, () => {
  let system;
  before(async () => {
    system = await System.start('identity_userinfo', {
      providerFlags: ['--custom_claims=false'],
      authFlags: (it) => [
        '--profile=userinfo',
        '--opaque_tokens=introspection',
        '--verdict_ttl=0s',
        '--negative_verdict_ttl=0s',
        ...it.credentialFlags('introspection'),
      ],
      edgeFlags: ['--verdict_ttl=0s'],
    });
  });
  after(() => system?.stop());

  it('an opaque token is what introspection and userinfo say together', async () => {
    const identity = await identityOf(system, await system.token({ resource: null, scope: 'openid email' }));
    assert.equal(identity.claims.client_id, 'smartmail');
    assert.equal(identity.sources.client_id, 'introspection');
    assert.equal(identity.claims.email, 'alice@example.com');
    assert.equal(identity.sources.email, 'userinfo');
    assert.equal(identity.audienceKnown, false);
  });

  it('a JWT, which userinfo refuses at Logto, is what it says itself', async () => {
    const identity = await identityOf(system, await system.token());
    assert.deepEqual(sourcesOf(identity, 'token'), TOKEN_CLAIMS);
  });

  it('503, and not a refusal: introspection answers 500 as text, or that our own secret is wrong', async () => {
    const token = await system.token({ resource: null });
    for (const fault of [{ kind: 'error' }, { kind: 'answer', status: 401, body: { error: 'invalid_client' } }]) {
      await system.fault({ path: '/oidc/token/introspection', ...fault });
      assert.equal((await callWhoami(system, token)).status, 503);
      await system.clearFaults();
    }
    const good = async () => (await callWhoami(system, token)).status === 200;
    await until('the token is good again', good, { timeoutMs: 15_000, intervalMs: 100 });
  });

  it('refused: an opaque token of a user who was suspended', async () => {
    const user = await system.manage('POST', '/users', { username: 'dave', password: 'pw' });
    const token = await system.token({ resource: null, username: 'dave', password: 'pw' });
    await identityOf(system, token);
    await system.manage('PATCH', `/users/${user.id}/is-suspended`, { isSuspended: true });
    await assertRefused(system, token);
  });
});

describe('--profile=logto --opaque_tokens=introspection', { timeout: 90_000 }, () => {
  const SCOPES = 'openid profile email whoami:profile whoami:email';
  let system;
  before(async () => {
    system = await System.start('identity_logto', {
      providerFlags: ['--custom_claims=false'],
      authFlags: (it) => [
        '--profile=logto',
        '--opaque_tokens=introspection',
        '--scope_claims=whoami:profile=name+username+picture,whoami:email=email+email_verified',
        '--allowed_client_ids=smartmail,webmail,nightly',
        '--verdict_ttl=1s',
        '--negative_verdict_ttl=0s',
        ...it.credentialFlags('logto'),
        ...it.credentialFlags('introspection'),
      ],
      edgeFlags: ['--verdict_ttl=0s'],
    });
  });
  after(() => system?.stop());

  it('a JWT is completed from the directory, as far as its scopes allow', async () => {
    const alice = await identityOf(system, await system.token({ scope: SCOPES }));
    assert.equal(alice.claims.email, 'alice@example.com');
    assert.equal(alice.claims.username, 'alice');
    assert.deepEqual(sourcesOf(alice, 'token'), TOKEN_CLAIMS);
    assert.deepEqual(sourcesOf(alice, 'directory'), ['email', 'email_verified', 'name', 'picture', 'username']);
    assert.equal(alice.audienceKnown, true);

    const bob = await identityOf(system, await system.token({ scope: SCOPES, username: 'bob' }));
    assert.deepEqual(sourcesOf(bob, 'directory'), ['name', 'picture', 'username'], 'bob does not hold whoami:email');

    const ticked = await identityOf(system, await system.token({ scope: SCOPES, grant: ['openid', 'whoami:email'] }));
    assert.deepEqual(sourcesOf(ticked, 'directory'), ['email', 'email_verified']);

    const none = await identityOf(system, await system.token({ scope: 'openid profile email' }));
    assert.deepEqual(sourcesOf(none, 'directory'), [], 'user scopes do not reach a JWT');
  });

  it('an opaque token is what introspection says, completed by its scopes', async () => {
    const identity = await identityOf(system, await system.token({ resource: null, scope: 'openid email' }));
    assert.equal(identity.claims.sub, ALICE);
    assert.equal(identity.claims.client_id, 'smartmail');
    assert.equal(identity.claims.scope, 'openid email');
    assert.equal(identity.sources.client_id, 'introspection');
    assert.equal(identity.claims.email, 'alice@example.com');
    assert.equal(identity.sources.email, 'directory');
    assert.ok(!('username' in identity.claims));
    assert.equal(identity.audienceKnown, false);
  });

  it('a machine is not looked up', async () => {
    const { access_token: token } = await obtainMachineToken({
      issuer: system.issuer,
      clientId: 'nightly',
      resource: system.mcpUrl,
      scope: '',
    });
    const identity = await identityOf(system, token);
    assert.deepEqual(sourcesOf(identity, 'directory'), []);
    assert.equal(identity.claims.sub, 'nightly');
  });

  it('refused: clients that are not on the list, whatever the shape of the token', async () => {
    for (const resource of [system.mcpUrl, null])
      await assertRefused(system, await system.token({ resource, clientId: 'mailapp' }));
  });

  let users = 0;
  /** A new user: `{id, person}`, the latter for token(). */
  async function newUser() {
    const username = `carol-${++users}`;
    const { id } = await system.manage('POST', '/users', {
      username,
      password: 'pw',
      name: 'Carol',
      primaryEmail: 'carol@example.com',
    });
    return { id, person: { username, password: 'pw', scope: SCOPES } };
  }

  it('refused: tokens of a user who was suspended, and of one who was deleted', async () => {
    const [suspended, deleted] = [await newUser(), await newUser()];
    const tokens = [];
    for (const { person } of [suspended, deleted])
      for (const resource of [system.mcpUrl, null]) tokens.push(await system.token({ ...person, resource }));
    for (const token of tokens) assert.equal((await identityOf(system, token)).claims.name, 'Carol');
    await system.manage('PATCH', `/users/${suspended.id}/is-suspended`, { isSuspended: true });
    await system.manage('DELETE', `/users/${deleted.id}`);
    // The answer of the directory may be remembered for some seconds beside the verdict.
    const refused = async (token) => (await callWhoami(system, token)).status === 401;
    await Promise.all(
      tokens.map((token) =>
        until('the token is refused', () => refused(token), { timeoutMs: 15_000, intervalMs: 200 }),
      ),
    );
    const count = await system.metrics(system.ports.authAdmin);
    for (const reason of ['user_suspended', 'user_unknown']) {
      assert.ok(count(`gatehouse_auth_verdicts_total{outcome="refused",reason="${reason}"}`) > 0, reason);
    }
  });

  for (const [name, fault] of [
    ['answers 500 as text', { kind: 'error' }],
    ['answers 404 without its own error code', { kind: 'answer', status: 404, body: 'nginx' }],
    ['closes the connection', { kind: 'close' }],
  ]) {
    it(`503, and not a refusal: the directory ${name}`, async () => {
      const token = await system.token((await newUser()).person);
      await system.fault({ path: '/api/users/*', ...fault });
      assert.equal((await callWhoami(system, token)).status, 503);
      await system.clearFaults();
      await until('the token is good', async () => (await callWhoami(system, token)).status === 200, {
        timeoutMs: 20_000,
        intervalMs: 100,
      });
    });
  }
});
