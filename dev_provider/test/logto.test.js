// The shapes of tokens and the odd answers that Logto has, without a custom-claims script.

import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { after, before, describe, it } from 'node:test';

import { CLIENT_SECRET } from '../lib/clients.js';
import { obtainMachineToken, obtainToken } from '../lib/sign_in.js';
import { MANAGEMENT_API } from '../lib/tenant.js';
import { RESOURCE, decode, freePort, start, stop } from './process.js';

const ALL_SCOPES = 'todo:read todo:write todo:delete whoami:profile whoami:email';

describe('as Logto', () => {
  let child;
  let issuer;
  let base;
  before(async () => {
    const port = await freePort();
    base = `http://localhost:${port}`;
    issuer = `${base}/oidc`;
    child = await start(port, `--resource=${RESOURCE}`, '--custom_claims=false');
  });
  after(() => stop(child));

  const basic = (id, secret = CLIENT_SECRET) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
  const manage = async (method, path, body) => {
    const { access_token: token } = await obtainMachineToken({ issuer });
    return fetch(`${base}/api${path}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
      body: body && JSON.stringify(body),
    });
  };
  const userinfo = (headers, init = {}) => fetch(`${issuer}/me`, { headers, ...init });
  const bearer = (token) => ({ authorization: `Bearer ${token}` });
  const introspect = (token, headers = { authorization: basic('gatehouse') }, more = {}) =>
    fetch(`${issuer}/token/introspection`, { method: 'POST', headers, body: new URLSearchParams({ token, ...more }) });
  const tokenEndpoint = (params, headers = {}) =>
    fetch(`${issuer}/token`, { method: 'POST', headers, body: new URLSearchParams(params) });

  describe('discovery', () => {
    it('has the values of Logto', async () => {
      const document = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
      assert.equal(document.registration_endpoint, undefined);
      assert.equal(document.authorization_response_iss_parameter_supported, true);
      assert.deepEqual(document.response_types_supported, ['code', 'id_token', 'code id_token', 'none']);
      assert.deepEqual(document.id_token_signing_alg_values_supported, ['ES384']);
      assert.deepEqual(document.token_endpoint_auth_methods_supported, [
        'client_secret_basic',
        'client_secret_jwt',
        'client_secret_post',
        'private_key_jwt',
        'none',
      ]);
      assert.ok(document.grant_types_supported.includes('client_credentials'));
      assert.ok(document.scopes_supported.includes('urn:logto:scope:organizations'));
      assert.ok(!document.scopes_supported.includes('todo:read'), 'resource scopes never appear');
      assert.equal(document.device_authorization_endpoint, `${issuer}/device/auth`);
      assert.equal(document.pushed_authorization_request_endpoint, `${issuer}/request`);
    });

    it('lets keys be kept by ETag', async () => {
      const first = await fetch(`${issuer}/jwks`);
      assert.equal(first.headers.get('cache-control'), 'no-cache, max-age=0, must-revalidate');
      assert.match(first.headers.get('content-type'), /^application\/jwk-set\+json/);
      assert.ok(first.headers.get('logto-core-request-id'));
      const second = await fetch(`${issuer}/jwks`, {
        headers: { 'if-none-match': first.headers.get('etag'), 'cache-control': 'max-age=0' },
      });
      assert.equal(second.status, 304);
    });
  });

  describe('JWTs', () => {
    const claimsFor = async (options) =>
      decode((await obtainToken({ issuer, resource: RESOURCE, ...options })).access_token)[1];

    it('carry no identity, and an empty scope when only user scopes were asked for', async () => {
      const claims = await claimsFor({});
      assert.deepEqual(Object.keys(claims).sort(), ['aud', 'client_id', 'exp', 'iat', 'iss', 'jti', 'scope', 'sub']);
      assert.equal(claims.scope, '');
      assert.equal(claims.exp - claims.iat, 3600);
    });

    it('carry the resource scopes that the user holds and agreed to, and no user scopes', async () => {
      assert.equal((await claimsFor({ scope: `openid email ${ALL_SCOPES}` })).scope, ALL_SCOPES);
      assert.equal(
        (await claimsFor({ scope: `openid ${ALL_SCOPES}`, username: 'bob' })).scope,
        'todo:read whoami:profile',
      );
      assert.equal((await claimsFor({ scope: `openid ${ALL_SCOPES}`, grant: ['todo:read'] })).scope, 'todo:read');
      assert.equal((await claimsFor({ scope: `openid ${ALL_SCOPES}`, clientId: 'mailapp' })).scope, ALL_SCOPES);
      assert.equal((await claimsFor({ scope: 'todo:write' })).scope, 'todo:write');
      assert.equal((await claimsFor({ scope: 'openid todo:read unheard:of' })).scope, 'todo:read');
    });

    it('of a confidential client are the same', async () => {
      assert.equal(
        (await claimsFor({ scope: 'openid todo:read', clientId: 'webmail', clientSecret: CLIENT_SECRET })).scope,
        'todo:read',
      );
    });

    it('for the Management API say nothing of a user', async () => {
      assert.equal((await claimsFor({ resource: MANAGEMENT_API, scope: 'openid all', clientId: 'mailapp' })).scope, '');
    });

    it('live as long as the resource says', async () => {
      const [resource] = (await (await manage('GET', '/resources')).json()).filter(
        ({ indicator }) => indicator === RESOURCE,
      );
      assert.equal((await manage('PATCH', `/resources/${resource.id}`, { accessTokenTtl: 5 })).status, 200);
      const claims = await claimsFor({});
      assert.equal(claims.exp - claims.iat, 5);
      await manage('PATCH', `/resources/${resource.id}`, { accessTokenTtl: 3600 });
    });

    it('come with identity as soon as the custom-claims script is there, introspection too', async () => {
      assert.equal(
        (await manage('PUT', '/configs/jwt-customizer/access-token', { script: 'const getCustomJwtClaims = …' }))
          .status,
        201,
      );
      assert.equal((await claimsFor({})).email, 'alice@example.com');
      const { access_token: opaque } = await obtainToken({ issuer });
      assert.equal((await (await introspect(opaque)).json()).username, 'alice');
      assert.equal((await manage('DELETE', '/configs/jwt-customizer/access-token')).status, 204);
      assert.ok(!('email' in (await claimsFor({}))));
    });

    it('for a resource that is the default: only without openid, or when the token request names it', async () => {
      const [resource] = (await (await manage('GET', '/resources')).json()).filter(
        ({ indicator }) => indicator === RESOURCE,
      );
      await manage('PATCH', `/resources/${resource.id}/is-default`, { isDefault: true });
      assert.equal((await obtainToken({ issuer, scope: 'openid todo:read' })).access_token.split('.').length, 1);
      assert.equal((await obtainToken({ issuer, scope: 'todo:read' })).access_token.split('.').length, 3);
      await manage('PATCH', `/resources/${resource.id}/is-default`, { isDefault: false });
    });
  });

  describe('machines', () => {
    it('get a token for the Management API, with scope all', async () => {
      const response = await obtainMachineToken({ issuer });
      const [, claims] = decode(response.access_token);
      assert.equal(claims.aud, MANAGEMENT_API);
      assert.equal(claims.scope, 'all');
      assert.equal(claims.sub, 'gatehouse');
      assert.equal(claims.client_id, 'gatehouse');
      assert.equal(response.refresh_token, undefined);
      assert.equal(response.expires_in, 3600);
    });

    it('get no scope without the role', async () => {
      const [, claims] = decode((await obtainMachineToken({ issuer, clientId: 'nightly' })).access_token);
      assert.equal(claims.scope, '');
    });

    it('must name a resource', async () => {
      const response = await tokenEndpoint({ grant_type: 'client_credentials' }, { authorization: basic('gatehouse') });
      assert.equal(response.status, 400);
      assert.equal((await response.json()).error, 'invalid_target');
    });
  });

  describe('the token endpoint', () => {
    const code = { grant_type: 'authorization_code', code: 'x', redirect_uri: 'http://127.0.0.1/callback' };
    for (const [name, params, headers, status, error] of [
      [
        'a wrong secret',
        { grant_type: 'client_credentials', resource: MANAGEMENT_API },
        { authorization: basic('gatehouse', 'wrong') },
        401,
        'invalid_client',
      ],
      ['an unknown client', { ...code, client_id: 'nobody' }, {}, 400, 'invalid_client'],
      ['no client', code, {}, 400, 'invalid_request'],
      ['an unknown grant', { grant_type: 'password', client_id: 'smartmail' }, {}, 400, 'unsupported_grant_type'],
      [
        'a secret of a public client',
        { ...code, client_id: 'smartmail', client_secret: 'x' },
        {},
        401,
        'invalid_client',
      ],
      ['an unknown code', { ...code, client_id: 'smartmail', code_verifier: 'x'.repeat(43) }, {}, 400, 'invalid_grant'],
    ]) {
      it(`answers ${status} ${error} for ${name}`, async () => {
        const response = await tokenEndpoint(params, headers);
        const body = await response.json();
        assert.equal(response.status, status, JSON.stringify(body));
        assert.equal(body.error, error);
        assert.equal(body.code, `oidc.${error}`);
        assert.ok(body.message);
        if (headers.authorization) assert.match(response.headers.get('www-authenticate'), /^Basic realm=/);
      });
    }

    it('accepts both ways to send a secret', async () => {
      const params = { grant_type: 'client_credentials', resource: MANAGEMENT_API, scope: 'all' };
      assert.equal((await tokenEndpoint(params, { authorization: basic('gatehouse') })).status, 200);
      assert.equal(
        (await tokenEndpoint({ ...params, client_id: 'gatehouse', client_secret: CLIENT_SECRET })).status,
        200,
      );
    });
  });

  describe('userinfo', () => {
    let good;
    before(async () => {
      good = (await obtainToken({ issuer })).access_token;
    });

    const cases = [
      ['no token', async () => userinfo({}), 401, 'invalid_token'],
      ['garbage', async () => userinfo(bearer('garbage')), 401, 'invalid_token'],
      ['an ID token', async () => userinfo(bearer((await obtainToken({ issuer })).id_token)), 401, 'invalid_token'],
      [
        'a JWT access token',
        async () => userinfo(bearer((await obtainToken({ issuer, resource: RESOURCE })).access_token)),
        401,
        'invalid_token',
      ],
      [
        'a token without openid',
        async () => userinfo(bearer((await obtainToken({ issuer, scope: 'profile' })).access_token)),
        403,
        'insufficient_scope',
      ],
      ['a token in the query', async () => fetch(`${issuer}/me?access_token=${good}`), 400, 'invalid_request'],
      ['an empty token', async () => userinfo({ authorization: 'Bearer ' }), 400, 'invalid_request'],
      ['two spaces', async () => userinfo({ authorization: `Bearer  ${good}` }), 400, 'invalid_request'],
      ['another scheme', async () => userinfo({ authorization: `Basic ${good}` }), 400, 'invalid_request'],
      [
        'a foreign origin',
        async () => userinfo({ ...bearer(good), origin: 'https://evil.example' }),
        400,
        'invalid_request',
      ],
      ['another method', async () => userinfo(bearer(good), { method: 'PUT' }), 404, 'invalid_request'],
    ];
    for (const [name, request, status, error] of cases) {
      it(`answers ${status} ${error} for ${name}`, async () => {
        const response = await request();
        const body = await response.json();
        assert.equal(response.status, status, JSON.stringify(body));
        assert.equal(body.error, error);
        if (status === 404) return;
        const challenge = response.headers.get('www-authenticate');
        assert.ok(challenge.startsWith(`Bearer realm="${issuer}"`), challenge);
        assert.equal(challenge.includes('error='), name !== 'no token', challenge);
        if (status === 403) assert.match(challenge, /scope="openid"/);
      });
    }

    it('accepts any case of the scheme, and POST', async () => {
      assert.equal((await userinfo({ authorization: `bEARER ${good}` })).status, 200);
      const response = await fetch(`${issuer}/me`, {
        method: 'POST',
        body: new URLSearchParams({ access_token: good }),
      });
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('cache-control'), 'no-store');
    });

    it('answers 400 once the application is gone', async () => {
      const created = await (
        await manage('POST', '/applications', {
          name: 'Gone',
          type: 'Native',
          oidcClientMetadata: { redirectUris: ['http://127.0.0.1/callback'], postLogoutRedirectUris: [] },
        })
      ).json();
      const { access_token: token } = await obtainToken({ issuer, clientId: created.id });
      assert.equal((await userinfo(bearer(token))).status, 200);
      assert.equal((await manage('DELETE', `/applications/${created.id}`)).status, 204);
      const response = await userinfo(bearer(token));
      assert.equal(response.status, 400);
      assert.deepEqual(await response.json(), {
        code: 'oidc.invalid_client',
        message: `invalid client ${created.id}`,
        error: 'invalid_client',
        error_description: `invalid client ${created.id}`,
      });
      assert.match(response.headers.get('www-authenticate'), /error="invalid_client"/);
    });
  });

  describe('introspection', () => {
    let opaque;
    before(async () => {
      opaque = (await obtainToken({ issuer })).access_token;
    });

    it('tells any confidential client about any opaque token', async () => {
      for (const client of ['gatehouse', 'nightly', 'webmail']) {
        const answer = await (await introspect(opaque, { authorization: basic(client) })).json();
        assert.deepEqual(Object.keys(answer).sort(), [
          'active',
          'client_id',
          'exp',
          'iat',
          'iss',
          'scope',
          'sub',
          'token_type',
        ]);
        assert.equal(answer.active, true);
        assert.equal(answer.client_id, 'smartmail');
        assert.equal(answer.scope, 'openid profile email');
        assert.equal(answer.token_type, 'Bearer');
      }
    });

    it('tells a public client about its own only', async () => {
      assert.equal((await (await introspect(opaque, {}, { client_id: 'smartmail' })).json()).active, true);
      assert.deepEqual(await (await introspect(opaque, {}, { client_id: 'mailapp' })).json(), { active: false });
    });

    it('says only that a token is not active', async () => {
      const response = await introspect('garbage');
      assert.equal(response.status, 200);
      assert.deepEqual(await response.json(), { active: false });
    });

    it('answers 400 unsupported_token_type for a JWT, 400 without credentials, 401 with wrong ones', async () => {
      const { access_token: jwt } = await obtainToken({ issuer, resource: RESOURCE });
      const response = await introspect(jwt);
      assert.equal(response.status, 400);
      assert.equal((await response.json()).error, 'unsupported_token_type');
      assert.equal((await introspect(opaque, {})).status, 400);
      assert.equal((await introspect(opaque, { authorization: basic('gatehouse', 'wrong') })).status, 401);
    });
  });

  it('ends the tokens of a user who is suspended or deleted', async () => {
    const created = await (
      await manage('POST', '/users', {
        username: 'carol',
        password: 'carol',
        primaryEmail: 'carol@example.com',
        name: 'Carol',
      })
    ).json();
    const person = { username: 'carol', password: 'carol' };
    const { access_token: token } = await obtainToken({ issuer, ...person });
    assert.equal((await userinfo(bearer(token))).status, 200);
    assert.equal((await manage('PATCH', `/users/${created.id}/is-suspended`, { isSuspended: true })).status, 200);
    assert.equal((await userinfo(bearer(token))).status, 401);
    assert.deepEqual(await (await introspect(token)).json(), { active: false });
    await assert.rejects(obtainToken({ issuer, ...person }), /suspended/);
    await manage('PATCH', `/users/${created.id}/is-suspended`, { isSuspended: false });
    assert.equal((await userinfo(bearer(token))).status, 401, 'tokens do not come back');
    const { access_token: second } = await obtainToken({ issuer, ...person });
    assert.equal((await manage('DELETE', `/users/${created.id}`)).status, 204);
    assert.equal((await userinfo(bearer(second))).status, 401);
  });

  describe('keys', () => {
    const keys = async () => (await (await fetch(`${issuer}/jwks`)).json()).keys;
    const rotate = (type) => manage('POST', '/configs/oidc/private-keys/rotate', { signingKeyAlgorithm: type });
    const isSigned = (jwt, jwk) => {
      const [header, payload, signature] = jwt.split('.');
      const key = { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' };
      return verify(
        jwk.kty === 'RSA' ? 'sha256' : 'sha384',
        Buffer.from(`${header}.${payload}`),
        key,
        Buffer.from(signature, 'base64url'),
      );
    };

    it('rotate at once: two are published, RSA without alg, and a second rotation drops the first', async () => {
      const [first] = await keys();
      assert.equal(first.alg, 'ES384');
      assert.equal((await rotate('RSA')).status, 200);
      const [second, previous] = await keys();
      assert.equal(previous.kid, first.kid);
      assert.equal(second.kty, 'RSA');
      assert.equal(second.alg, undefined);
      const { access_token: jwt, id_token: idToken } = await obtainToken({ issuer, resource: RESOURCE });
      assert.equal(decode(jwt)[0].alg, 'RS256');
      assert.equal(decode(jwt)[0].kid, second.kid);
      assert.ok(isSigned(jwt, second));
      assert.equal(decode(idToken)[0].alg, 'RS256');
      const { id_token_signing_alg_values_supported: algorithms } = await (
        await fetch(`${issuer}/.well-known/openid-configuration`)
      ).json();
      assert.deepEqual(algorithms, ['PS256', 'RS256', 'ES384']);

      assert.equal((await rotate('EC')).status, 200);
      const third = await keys();
      assert.deepEqual(third.map(({ kid }) => kid).slice(1), [second.kid]);
      assert.equal(third[0].alg, 'ES384');
      assert.equal(decode((await obtainToken({ issuer, resource: RESOURCE })).access_token)[0].kid, third[0].kid);
    });

    it('leave sessions and opaque tokens as they are', async () => {
      const { access_token: token } = await obtainToken({ issuer });
      await rotate('EC');
      assert.equal((await userinfo(bearer(token))).status, 200);
      assert.equal((await (await introspect(token)).json()).active, true);
    });
  });
});
