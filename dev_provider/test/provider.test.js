// What Gatehouse relies on in the development provider, checked over HTTP against the real process.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { followToCallback, obtainToken } from '../lib/sign_in.js';
import { MAIN, RESOURCE, decode, freePort, start, stop } from './process.js';

const REDIRECT_URI = 'http://localhost:40404/callback';
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'; // RFC 7636, appendix B

describe('the development provider', () => {
  let child;
  let issuer;
  let stateDir;

  before(async () => {
    stateDir = mkdtempSync(join(tmpdir(), 'dev_provider-'));
    const port = await freePort();
    issuer = `http://localhost:${port}/oidc`;
    child = await start(port, `--state_dir=${stateDir}`, `--resource=${RESOURCE}`);
  });
  after(async () => {
    await stop(child);
    rmSync(stateDir, { recursive: true });
  });

  const authorizationUrl = (params) =>
    `${issuer}/auth?${new URLSearchParams({
      client_id: 'smartmail',
      response_type: 'code',
      redirect_uri: REDIRECT_URI,
      scope: 'openid',
      state: 's',
      code_challenge: CHALLENGE,
      code_challenge_method: 'S256',
      ...params,
    })}`;
  const userinfo = (token) => fetch(`${issuer}/me`, { headers: { authorization: `Bearer ${token}` } });

  it('publishes one discovery document at the appended places only', async () => {
    const openid = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
    const oauth = await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json();
    assert.deepEqual(oauth, openid);
    assert.equal(openid.issuer, issuer);
    assert.equal(openid.userinfo_endpoint, `${issuer}/me`);
    assert.equal(openid.introspection_endpoint, `${issuer}/token/introspection`);
    assert.deepEqual(openid.code_challenge_methods_supported, ['S256']);
    assert.equal(openid.registration_endpoint, undefined);
    const { origin } = new URL(issuer);
    for (const path of [
      '/.well-known/oauth-authorization-server/oidc',
      '/.well-known/openid-configuration',
      '/oidc/reg',
    ]) {
      assert.equal((await fetch(origin + path)).status, 404, path);
    }
  });

  it('writes its URLs from the issuer, whatever the Host header says', async () => {
    const response = await fetch(`${issuer.replace('localhost', '127.0.0.1')}/.well-known/openid-configuration`);
    assert.equal((await response.json()).token_endpoint, `${issuer}/token`);
  });

  it('gives an opaque token without a resource, and userinfo answers it in the shape of Logto', async () => {
    const { access_token: token, expires_in: lifetime } = await obtainToken({ issuer });
    assert.match(token, /^[\w-]{43}$/);
    assert.equal(lifetime, 3600);
    const claims = await (await userinfo(token)).json();
    assert.deepEqual(Object.keys(claims).sort(), [
      'created_at',
      'email',
      'email_verified',
      'name',
      'picture',
      'preferred_username',
      'sub',
      'updated_at',
      'username',
    ]);
    assert.equal(claims.username, 'alice');
    assert.equal(claims.picture, null);
    assert.ok(claims.updated_at > 1e12, 'milliseconds');
  });

  it('gives an ES384 JWT for a registered resource, which userinfo refuses', async () => {
    const { access_token: token } = await obtainToken({ issuer, resource: RESOURCE, username: 'bob' });
    const [header, claims] = decode(token);
    assert.equal(header.alg, 'ES384');
    assert.equal(header.typ, 'at+jwt');
    assert.deepEqual(Object.keys(claims).sort(), [
      'aud',
      'client_id',
      'email',
      'exp',
      'iat',
      'iss',
      'jti',
      'name',
      'scope',
      'sub',
      'username',
    ]);
    assert.equal(claims.aud, RESOURCE);
    assert.equal(claims.iss, issuer);
    assert.equal(claims.scope, '');
    assert.equal(claims.email, 'bob@example.com');
    const answer = await userinfo(token);
    assert.equal(answer.status, 401);
    assert.equal((await answer.json()).error, 'invalid_token');
  });

  it('shares only what was granted, in both kinds of token', async () => {
    const jwt = await obtainToken({ issuer, resource: RESOURCE, grant: ['profile'] });
    const [, claims] = decode(jwt.access_token);
    assert.equal(claims.username, 'alice');
    assert.ok(!('email' in claims));
    const opaque = await obtainToken({ issuer, grant: ['email'] });
    const info = await (await userinfo(opaque.access_token)).json();
    assert.deepEqual(Object.keys(info), ['sub', 'email', 'email_verified']);
  });

  it('gives no token when the user refuses, or ticks nothing', async () => {
    await assert.rejects(obtainToken({ issuer, grant: [] }), { error: 'access_denied' });
    await assert.rejects(obtainToken({ issuer, grant: ['nothing'] }), { error: 'access_denied' });
  });

  it('gives no token when no scope is asked for', async () => {
    await assert.rejects(obtainToken({ issuer, scope: '' }), { error: 'access_denied' });
  });

  it('does not know other resources, a trailing slash included', async () => {
    for (const resource of ['http://localhost:3999/mcp', `${RESOURCE}/`]) {
      await assert.rejects(obtainToken({ issuer, resource }), { error: 'invalid_target' }, resource);
    }
  });

  it('refuses a wrong password and an unknown user', async () => {
    await assert.rejects(obtainToken({ issuer, password: 'wrong' }), /wrong username or password/);
    await assert.rejects(obtainToken({ issuer, username: 'mallory' }), /wrong username or password/);
  });

  it('demands PKCE with S256', async () => {
    for (const params of [{ code_challenge: '', code_challenge_method: '' }, { code_challenge_method: 'plain' }]) {
      const callback = await followToCallback(authorizationUrl(params));
      assert.equal(callback.searchParams.get('error'), 'invalid_request');
    }
  });

  it('answers unknown clients and foreign redirect URIs itself', async () => {
    for (const params of [{ client_id: 'nobody' }, { redirect_uri: 'http://evil.example/callback' }]) {
      const response = await fetch(authorizationUrl(params), { redirect: 'manual' });
      assert.equal(response.status, 400);
    }
  });

  it('lets a code be used once, and a second use ends the tokens from the first', async () => {
    const callback = await followToCallback(authorizationUrl({}));
    const exchange = () =>
      fetch(`${issuer}/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'authorization_code',
          client_id: 'smartmail',
          code: callback.searchParams.get('code'),
          redirect_uri: REDIRECT_URI,
          code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
        }),
      });
    const first = await exchange();
    const { access_token: token } = await first.json();
    assert.equal((await userinfo(token)).status, 200);
    const second = await exchange();
    assert.equal(second.status, 400);
    assert.equal((await second.json()).error, 'invalid_grant');
    assert.equal((await userinfo(token)).status, 401);
  });

  it('accepts a form only from the browser that it was shown to', async () => {
    const response = await fetch(authorizationUrl({}), { redirect: 'manual' });
    const page = new URL(response.headers.get('location'), issuer);
    const post = await fetch(page, {
      method: 'POST',
      body: new URLSearchParams({ username: 'alice', password: 'gatehouse-demo' }),
    });
    assert.equal(post.status, 400);
  });

  it('escapes what it shows and forbids scripts', async () => {
    const start = await fetch(authorizationUrl({}), { redirect: 'manual' });
    const page = new URL(start.headers.get('location'), issuer);
    const cookie = start.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ');
    const body = new URLSearchParams({ username: '"><script>alert(1)</script>', password: 'x' });
    const response = await fetch(page, { method: 'POST', headers: { cookie }, body });
    assert.equal(response.status, 422);
    const text = await response.text();
    assert.ok(!text.includes('<script'));
    assert.ok(text.includes('&quot;&gt;&lt;script&gt;'));
    assert.match(text, /unfit for production/);
    assert.match(response.headers.get('content-security-policy'), /default-src 'none'/);
  });

  it('keeps its key in the state folder, readable by the owner alone, and publishes its public half', async () => {
    const kept = JSON.parse(readFileSync(join(stateDir, 'signing_key.json'), 'utf8'));
    const { keys } = await (await fetch(`${issuer}/jwks`)).json();
    assert.deepEqual(
      keys.map((key) => key.kid),
      [kept.kid],
    );
    assert.equal(keys[0].d, undefined);
  });

  it('exits with 2 and one line when its port is taken or an option is wrong', () => {
    const { port } = new URL(issuer);
    const cases = [
      [[`--port=${port}`], {}, /port \d+ on 127\.0\.0\.1 is taken/],
      [['--port=0'], {}, /--port must be a number/],
      [['--resource=mcp'], {}, /--resource must be an absolute URI/],
      [['--access_token_ttl=0'], {}, /--access_token_ttl must be a number/],
      [['--custom_claims=no'], {}, /--custom_claims must be true or false/],
      [['--state_dir=/nonexistent'], {}, /--state_dir must be an existing folder/],
      [['--nonsense'], {}, /--nonsense/],
      [[], { NODE_ENV: 'production' }, /development only/],
    ];
    for (const [args, env, message] of cases) {
      const result = spawnSync(process.execPath, [MAIN, ...args], {
        env: { ...process.env, ...env },
        encoding: 'utf8',
      });
      assert.equal(result.status, 2, args.join(' '));
      assert.match(result.stderr, message);
      assert.equal(result.stderr.trim().split('\n').length, 1, result.stderr);
    }
  });

  it('exits with 0 on SIGTERM', async () => {
    assert.equal(await stop(await start(await freePort())), 0);
  });
});
