// The fake Management API: its answers, and that what it makes really works.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { followToCallback, obtainMachineToken, obtainToken } from '../lib/sign_in.js';
import { RESOURCE, decode, freePort, start, stop } from './process.js';

describe('the fake Management API', () => {
  let child;
  let issuer;
  let base;
  let token;
  before(async () => {
    const port = await freePort();
    base = `http://localhost:${port}`;
    issuer = `${base}/oidc`;
    child = await start(port, `--resource=${RESOURCE}`, '--custom_claims=false');
    token = (await obtainMachineToken({ issuer })).access_token;
  });
  after(() => stop(child));

  const send = (method, path, body, authorization = `Bearer ${token}`) =>
    fetch(`${base}/api${path}`, {
      method,
      headers: authorization ? { authorization } : {},
      body: body && JSON.stringify(body),
    });
  const expect = async (response, status, code) => {
    const answer = await response;
    const text = await answer.text();
    assert.equal(answer.status, status, text);
    const body = text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text;
    if (code) assert.equal(body.code, code);
    return body;
  };
  const APP = {
    name: 'Agent',
    type: 'Native',
    isThirdParty: true,
    oidcClientMetadata: { redirectUris: ['http://127.0.0.1/callback'], postLogoutRedirectUris: [] },
  };
  const resource = async () =>
    (await expect(send('GET', '/resources'), 200)).find(({ indicator }) => indicator === RESOURCE);

  it("wants a machine's token for itself", async () => {
    await expect(send('GET', '/users', undefined, ''), 401, 'auth.authorization_header_missing');
    await expect(send('GET', '/users', undefined, 'Bearer garbage'), 401, 'auth.unauthorized');
    const { access_token: other } = await obtainToken({ issuer, resource: RESOURCE });
    const refused = await expect(send('GET', '/users', undefined, `Bearer ${other}`), 401, 'auth.unauthorized');
    assert.equal(refused.data.aud, RESOURCE);
    const { access_token: powerless } = await obtainMachineToken({ issuer, clientId: 'nightly' });
    await expect(send('GET', '/users', undefined, `Bearer ${powerless}`), 403, 'auth.forbidden');
    assert.equal((await send('GET', '/users', undefined, '')).headers.get('www-authenticate'), null);
  });

  it('lists by pages', async () => {
    const response = await send('GET', '/users?page_size=1');
    assert.equal((await response.json()).length, 1);
    assert.ok(Number(response.headers.get('total-number')) >= 2);
    assert.ok(!response.headers.get('link').includes('/api/'));
    await expect(send('GET', '/users?page_size=101'), 400);
    const [app] = await expect(send('GET', '/applications?isThirdParty=true&search.name=%25smart%25'), 200);
    assert.equal(app.id, 'smartmail');
  });

  it('answers 200 for a new application, which can sign in at once with openid alone', async () => {
    const app = await expect(send('POST', '/applications', APP), 200);
    assert.match(app.id, /^[a-z0-9]{21}$/);
    assert.equal(app.isThirdParty, true);
    assert.ok(!('secret' in app) && !('secrets' in app));
    const { access_token: opaque } = await obtainToken({ issuer, clientId: app.id, scope: 'openid' });
    assert.match(opaque, /^[\w-]{43}$/);
    await assert.rejects(obtainToken({ issuer, clientId: app.id, scope: 'openid profile' }), {
      error: 'invalid_scope',
    });
  });

  it('enables scopes for a third-party application, and those only reach its tokens', async () => {
    const app = await expect(send('POST', '/applications', APP), 200);
    const { scopes } = await resource();
    const read = scopes.find(({ name }) => name === 'todo:read').id;
    const path = `/applications/${app.id}/user-consent-scopes`;
    for (let time = 0; time < 2; ++time) {
      assert.equal(
        await expect(send('POST', path, { userScopes: ['profile'], resourceScopes: [read] }), 201),
        'Created',
      );
    }
    const enabled = await expect(send('GET', path), 200);
    assert.deepEqual(enabled.userScopes, ['profile']);
    assert.deepEqual(
      enabled.resourceScopes.map(({ scopes: list }) => list.map(({ name }) => name)),
      [['todo:read']],
    );

    const { access_token: jwt } = await obtainToken({
      issuer,
      clientId: app.id,
      resource: RESOURCE,
      scope: 'openid profile todo:read todo:write',
    });
    assert.equal(decode(jwt)[1].scope, 'todo:read');
    assert.equal(decode(jwt)[1].client_id, app.id);
    await assert.rejects(obtainToken({ issuer, clientId: app.id, scope: 'openid email' }), { error: 'invalid_scope' });

    assert.equal((await send('DELETE', `${path}/user-scopes/profile`)).status, 204);
    await assert.rejects(obtainToken({ issuer, clientId: app.id, scope: 'openid profile' }), {
      error: 'invalid_scope',
    });
  });

  it('names the refused scope in the redirect', async () => {
    const app = await expect(send('POST', '/applications', APP), 200);
    const callback = await followToCallback(
      `${issuer}/auth?${new URLSearchParams({
        client_id: app.id,
        response_type: 'code',
        redirect_uri: 'http://127.0.0.1:5/callback',
        scope: 'openid phone',
        state: 's',
        code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
        code_challenge_method: 'S256',
      })}`,
    );
    assert.equal(callback.searchParams.get('error_description'), 'requested scope is not allowed');
    assert.equal(callback.searchParams.get('scope'), 'phone');
  });

  it('refuses what Logto refuses', async () => {
    await expect(send('POST', '/applications', { ...APP, name: '' }), 400, 'guard.invalid_input');
    await expect(send('POST', '/applications', { ...APP, name: 'x'.repeat(257) }), 400, 'guard.invalid_input');
    await expect(send('POST', '/applications', { ...APP, type: 'Robot' }), 400, 'guard.invalid_input');
    await expect(
      send('POST', '/applications', { ...APP, type: 'MachineToMachine' }),
      400,
      'application.invalid_third_party_application_type',
    );
    await expect(
      send('POST', '/applications', { ...APP, oidcClientMetadata: { redirectUris: ['http://127.0.0.1/'] } }),
      400,
      'guard.invalid_input',
    );
    await expect(
      send('POST', '/applications', {
        ...APP,
        oidcClientMetadata: { redirectUris: ['no url'], postLogoutRedirectUris: [] },
      }),
      400,
      'guard.invalid_input',
    );
    await expect(send('POST', '/applications', { ...APP, customClientMetadata: { allowTokenExchange: true } }), 422);
    await expect(
      send('POST', '/applications/mailapp/user-consent-scopes', { userScopes: ['email'] }),
      422,
      'application.third_party_application_only',
    );
    const app = await expect(send('POST', '/applications', APP), 200);
    const path = `/applications/${app.id}/user-consent-scopes`;
    await expect(send('POST', path, { resourceScopes: ['unknown'] }), 422);
    await expect(send('POST', path, { userScopes: ['nonsense'] }), 400, 'guard.invalid_input');
    const management = (await expect(send('GET', '/resources'), 200)).find(({ indicator }) =>
      indicator.endsWith('/api'),
    );
    await expect(send('POST', path, { resourceScopes: [management.scopes[0].id] }), 422);
    await expect(send('GET', '/applications/none'), 404, 'entity.not_exists_with_id');
    await expect(send('GET', '/users/none'), 404, 'entity.not_exists_with_id');
  });

  it('stores redirect URIs that it should not, as Logto does', async () => {
    const redirectUris = ['javascript:alert(1)', 'ftp://x/y', 'http://10.0.0.1/cb', 'https://a/cb#f', 'myapp:/cb'];
    const app = await expect(
      send('POST', '/applications', { ...APP, oidcClientMetadata: { redirectUris, postLogoutRedirectUris: [] } }),
      200,
    );
    assert.deepEqual(app.oidcClientMetadata.redirectUris, redirectUris);
  });

  it('makes a confidential application with a secret that works', async () => {
    const redirectUri = 'http://localhost:9/cb';
    const app = await expect(
      send('POST', '/applications', {
        ...APP,
        type: 'Traditional',
        oidcClientMetadata: { redirectUris: [redirectUri], postLogoutRedirectUris: [] },
      }),
      200,
    );
    const [secret] = await expect(send('GET', `/applications/${app.id}/secrets`), 200);
    assert.equal(secret.name, 'Default secret');
    assert.equal(secret.expiresAt, null);
    const { access_token: opaque } = await obtainToken({
      issuer,
      clientId: app.id,
      clientSecret: secret.value,
      redirectUri,
      scope: 'openid',
    });
    assert.ok(opaque);
    await expect(send('POST', `/applications/${app.id}/secrets`, { name: 'Second' }), 201);
  });

  it('shows branding on the consent page', async () => {
    const app = await expect(send('POST', '/applications', APP), 200);
    await expect(send('GET', `/applications/${app.id}/sign-in-experience`), 404);
    await expect(
      send('PUT', `/applications/${app.id}/sign-in-experience`, {
        displayName: 'Agent <b>007</b>',
        branding: { logoUrl: 'https://x/logo.png' },
      }),
      201,
    );
    const step = await fetch(
      `${issuer}/auth?${new URLSearchParams({
        client_id: app.id,
        response_type: 'code',
        redirect_uri: 'http://127.0.0.1:5/callback',
        scope: 'openid',
        code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
        code_challenge_method: 'S256',
      })}`,
      { redirect: 'manual' },
    );
    const cookie = step.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ');
    const page = await (await fetch(new URL(step.headers.get('location'), issuer), { headers: { cookie } })).text();
    assert.ok(page.includes('Agent &lt;b&gt;007&lt;/b&gt;'));
  });

  it('changes and deletes', async () => {
    const app = await expect(send('POST', '/applications', APP), 200);
    assert.equal(
      (await expect(send('PATCH', `/applications/${app.id}`, { name: 'New', isThirdParty: false }), 200)).isThirdParty,
      true,
    );
    assert.deepEqual(await expect(send('PATCH', `/applications/${app.id}/custom-data`, { a: 1 }), 200), { a: 1 });
    assert.deepEqual(await expect(send('PATCH', `/applications/${app.id}/custom-data`, { b: 2 }), 200), { a: 1, b: 2 });
    assert.equal((await send('DELETE', `/applications/${app.id}`)).status, 204);
    await expect(send('DELETE', `/applications/${app.id}`), 404, 'entity.not_exists_with_id');
  });

  it('shows users, and ends their grants', async () => {
    const user = await expect(send('GET', '/users/a1ice7k2m9xq'), 200);
    assert.equal(user.username, 'alice');
    assert.equal(user.primaryEmail, 'alice@example.com');
    assert.equal(user.isSuspended, false);
    const { access_token: opaque } = await obtainToken({ issuer });
    const { grants } = await expect(send('GET', '/users/a1ice7k2m9xq/grants?appType=thirdParty'), 200);
    for (const { id } of grants) assert.equal((await send('DELETE', `/users/a1ice7k2m9xq/grants/${id}`)).status, 204);
    assert.equal((await fetch(`${issuer}/me`, { headers: { authorization: `Bearer ${opaque}` } })).status, 401);
  });

  it('registers resources and scopes verbatim', async () => {
    const created = await expect(
      send('POST', '/resources', { name: 'Odd', indicator: 'not-a-url', accessTokenTtl: 60 }),
      201,
    );
    const scope = await expect(
      send('POST', `/resources/${created.id}/scopes`, { name: 'odd:read', description: 'Odd' }),
      201,
    );
    assert.ok(scope.id);
    assert.deepEqual(
      (await expect(send('GET', `/resources/${created.id}/scopes`), 200)).map(({ name }) => name),
      ['odd:read'],
    );
  });

  it('switches client ID metadata documents on', async () => {
    const supported = async () =>
      (await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()).client_id_metadata_document_supported;
    assert.equal(await supported(), undefined);
    await expect(send('PATCH', '/configs/cimd', { enabled: true }), 200);
    assert.equal(await supported(), true);
  });
});
