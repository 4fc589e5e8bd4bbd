// Third-party agents that register by themselves: POST /register at the edge, through auth_service and the Management API, to
// an application that signs in with consent and calls tools.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { registerClient as registerV2 } from '@modelcontextprotocol/client';
import { registerClient as registerV1 } from '@modelcontextprotocol/sdk/client/auth.js';

import { obtainToken } from '../../dev_provider/lib/sign_in.js';
import { seedScopeId } from '../../dev_provider/lib/tenant.js';
import { callModern, callWhoami } from './lib/mcp.js';
import { System, until } from './lib/system.js';

const REDIRECT_URI = 'http://127.0.0.1:33418/callback';
const CLIENT = {
  client_name: 'Helpful Agent',
  redirect_uris: [REDIRECT_URI],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
  application_type: 'native',
};

const register = (system, metadata, { headers = {}, body = JSON.stringify(metadata) } = {}) =>
  fetch(`${system.origin}/register`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body,
  });

function startSystem(name, authFlags = []) {
  return System.start(name, {
    tools: ['whoami', 'todo'],
    providerFlags: ['--custom_claims=false'],
    authFlags: (it) => [
      '--registration=logto',
      '--registration_user_scopes=profile,email',
      '--registrations_per_hour_per_address=100',
      `--registration_resource_scope_ids=${['todo:read', 'todo:write'].map((scope) => seedScopeId(it.mcpUrl, scope)).join()}`,
      '--negative_verdict_ttl=0s',
      ...it.credentialFlags('logto'),
      ...(typeof authFlags === 'function' ? authFlags(it) : authFlags),
    ],
    edgeFlags: ['--authorization_server_metadata=register'],
  });
}

const applicationCount = async (system) => (await system.manage('GET', '/applications?page_size=100')).length;
const registrations = (system) => system.authService.events().filter(({ event }) => event === 'client_registration');

describe('registration', { timeout: 60_000 }, () => {
  let system;
  before(async () => {
    system = await startSystem('registration');
  });
  after(() => system?.stop());

  it("is where our copy of the provider's metadata says, of which nothing is dropped", async () => {
    const ours = await (await fetch(`${system.origin}/.well-known/oauth-authorization-server`)).json();
    const theirs = await (await fetch(`${system.issuer}/.well-known/openid-configuration`)).json();
    assert.deepEqual(ours, { ...theirs, registration_endpoint: `${system.origin}/register` });
  });

  it('a native agent registers, its user agrees on the consent page, and it calls tools with what was agreed', async () => {
    const response = await register(system, CLIENT);
    const text = await response.text();
    assert.equal(response.status, 201, text);
    assert.equal(response.headers.get('cache-control'), 'no-store');
    const client = JSON.parse(text);
    assert.equal(client.client_name, CLIENT.client_name);
    assert.deepEqual(client.redirect_uris, CLIENT.redirect_uris);
    assert.equal(client.token_endpoint_auth_method, 'none');
    assert.ok(!('client_secret' in client));
    assert.ok(Math.abs(client.client_id_issued_at - Date.now() / 1000) < 60);

    const application = await system.manage('GET', `/applications/${client.client_id}`);
    assert.equal(application.isThirdParty, true);
    assert.equal(application.type, 'Native');

    const options = {
      issuer: system.issuer,
      clientId: client.client_id,
      redirectUri: REDIRECT_URI,
      resource: system.mcpUrl,
    };
    const { access_token: token } = await obtainToken({
      ...options,
      scope: 'openid profile todo:read todo:write todo:delete',
    });
    assert.equal((await callWhoami(system, token)).status, 200);
    const call = (name, args) => callModern(system.mcpUrl, 'tools/call', { name, arguments: args }, token);
    assert.equal((await call('add_todo', { title: 'registered' })).status, 200);
    assert.equal(
      (await call('delete_todo', { id: 1 })).status,
      403,
      'not among the scopes that registered clients may have',
    );

    await assert.rejects(obtainToken({ ...options, grant: [] }), { error: 'access_denied' });
    const { access_token: less } = await obtainToken({
      ...options,
      scope: 'openid todo:read todo:write',
      grant: ['todo:read'],
    });
    assert.equal(
      (await callModern(system.mcpUrl, 'tools/call', { name: 'add_todo', arguments: { title: 'x' } }, less)).status,
      403,
    );
  });

  it('a confidential agent gets a secret that works', async () => {
    const redirectUri = 'https://agent.example.com/callback';
    const response = await register(system, {
      ...CLIENT,
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: 'client_secret_post',
      application_type: 'web',
    });
    const client = await response.json();
    assert.equal(response.status, 201, JSON.stringify(client));
    assert.ok(client.client_secret.length >= 16);
    assert.equal(typeof client.client_secret_expires_at, 'number');
    const options = { issuer: system.issuer, clientId: client.client_id, redirectUri, resource: system.mcpUrl };
    const { access_token: token } = await obtainToken({ ...options, clientSecret: client.client_secret });
    assert.equal((await callWhoami(system, token)).status, 200);
    await assert.rejects(obtainToken({ ...options, clientSecret: 'wrong' }), { error: 'invalid_client' });
    const logs = [...system.services.values()].flatMap(({ lines }) => lines).join('\n');
    assert.ok(!logs.includes(client.client_secret), 'the secret is in no log');
  });

  for (const [name, registerClient] of [
    ['@modelcontextprotocol/client', registerV2],
    ['@modelcontextprotocol/sdk', registerV1],
  ]) {
    it(`${name} registers as it does at any authorization server of 2025-03-26`, async () => {
      const metadata = await (await fetch(`${system.origin}/.well-known/oauth-authorization-server`)).json();
      const client = await registerClient(system.origin, { metadata, clientMetadata: CLIENT });
      const { access_token: token } = await obtainToken({
        issuer: system.issuer,
        clientId: client.client_id,
        redirectUri: REDIRECT_URI,
        resource: system.mcpUrl,
      });
      assert.equal((await callWhoami(system, token)).status, 200);
    });
  }

  it('leaves an audit line each, without secrets', async () => {
    const lines = await until('the lines', () => registrations(system).length >= 2 && registrations(system));
    for (const line of lines) {
      assert.ok(!JSON.stringify(line).includes('client_secret'));
      assert.ok('outcome' in line, JSON.stringify(line));
    }
  });

  describe('refuses what Logto would store', () => {
    const REFUSED = [
      ['javascript:', ['javascript:alert(1)']],
      ['another scheme', ['ftp://agent.example.com/cb']],
      ['http that is not loopback', ['http://10.0.0.1/cb']],
      ['a fragment', ['https://agent.example.com/cb#x']],
      ['a wildcard', ['https://*.example.com/cb']],
      ['user info', ['https://user@agent.example.com/cb']],
      ['a good one beside a bad one', [REDIRECT_URI, 'javascript:alert(1)']],
      ['none', []],
      ['eleven', Array.from({ length: 11 }, (unused, index) => `https://agent.example.com/${index}`)],
      ['no URL', ['no url']],
      ['no text', [7]],
    ];
    for (const [name, redirectUris] of REFUSED) {
      it(`redirect URIs: ${name}`, async () => {
        const before = await applicationCount(system);
        const response = await register(system, { ...CLIENT, redirect_uris: redirectUris });
        const body = await response.json();
        assert.equal(response.status, 400, JSON.stringify(body));
        assert.match(body.error, /^invalid_(redirect_uri|client_metadata)$/);
        assert.ok(body.error_description);
        assert.equal(response.headers.get('cache-control'), 'no-store');
        assert.equal(await applicationCount(system), before, 'nothing was created');
      });
    }

    for (const [name, change] of [
      ['an authentication method that Logto has not', { token_endpoint_auth_method: 'tls_client_auth' }],
      ['the implicit grant', { grant_types: ['implicit'], response_types: ['token'] }],
      ['a name of 300 characters', { client_name: 'x'.repeat(300) }],
      ['a logo by http', { logo_uri: 'http://agent.example.com/logo.png' }],
    ]) {
      it(name, async () => {
        const response = await register(system, { ...CLIENT, ...change });
        assert.equal(response.status, 400);
        assert.equal((await response.json()).error, 'invalid_client_metadata');
      });
    }

    it('no JSON, another media type, a body of 100 kB', async () => {
      assert.equal((await register(system, undefined, { body: '{' })).status, 400);
      assert.ok(
        [400, 415].includes((await register(system, CLIENT, { headers: { 'Content-Type': 'text/plain' } })).status),
      );
      assert.ok(
        [400, 413].includes(
          (await register(system, { ...CLIENT, client_uri: `https://a.example/${'x'.repeat(100_000)}` })).status,
        ),
      );
    });
  });

  describe('rolls back', () => {
    it('when the second call fails: 503, and no application is left', async () => {
      const before = await applicationCount(system);
      await system.fault({ path: '/api/applications/*', method: 'POST', kind: 'error' });
      const response = await register(system, CLIENT);
      assert.equal(response.status, 503);
      assert.ok(Number(response.headers.get('retry-after')) > 0);
      await response.body?.cancel();
      await system.clearFaults();
      assert.equal(await applicationCount(system), before);
      assert.equal((await register(system, CLIENT)).status, 201, 'afterwards it works');
    });

    it('and names what it could not take back, so that an operator can', async () => {
      const before = await applicationCount(system);
      await system.fault({ path: '/api/applications/*', kind: 'error' });
      assert.equal((await register(system, CLIENT)).status, 503);
      await system.clearFaults();
      assert.equal(await applicationCount(system), before + 1);
      const left = (await system.manage('GET', '/applications?page_size=100')).at(-1);
      const line = system.authService.events().find(({ event }) => event === 'registration_left_behind');
      assert.ok(JSON.stringify(line)?.includes(left.id), `${JSON.stringify(line)} names ${left.id}`);
    });

    it('503 as long as the provider is away', async () => {
      await system.fault({ path: '/api/*', kind: 'close' });
      const response = await register(system, CLIENT);
      assert.equal(response.status, 503);
      await response.body?.cancel();
      await system.clearFaults();
    });
  });
});

describe('registration, restricted', { timeout: 60_000 }, () => {
  let system;
  before(async () => {
    system = await startSystem('registration_restricted', (it) => [
      `--registration_token_file=${it.file('registration_token', 'let-me-in-0123456789\n')}`,
      '--registration_allowed_hosts=agent.example.com,127.0.0.1',
      '--registrations_per_hour=2',
    ]);
  });
  after(() => system?.stop());

  const headers = { Authorization: 'Bearer let-me-in-0123456789' };

  it('wants the initial access token', async () => {
    for (const wrong of [{}, { Authorization: 'Bearer let-me-in-0123456788' }]) {
      const response = await register(system, CLIENT, { headers: wrong });
      assert.equal(response.status, 401);
      await response.body?.cancel();
    }
  });

  it('wants the hosts that it knows', async () => {
    const response = await register(
      system,
      { ...CLIENT, application_type: 'web', redirect_uris: ['https://elsewhere.example/cb'] },
      { headers },
    );
    assert.equal(response.status, 400);
    assert.equal((await response.json()).error, 'invalid_redirect_uri');
  });

  it('and takes so many an hour', async () => {
    const statuses = [];
    for (let time = 0; time < 3; ++time) {
      const response = await register(system, CLIENT, { headers });
      statuses.push(response.status);
      if (response.status === 429) assert.ok(Number(response.headers.get('retry-after')) > 0);
      await response.body?.cancel();
    }
    assert.equal(statuses.at(-1), 429, statuses.join());
    assert.ok(statuses.includes(201), statuses.join());
  });

  it('and stops who guesses the token, for which no registration was left anyway', async () => {
    const descriptions = [];
    for (let time = 0; time < 25; ++time) {
      const wrong = { Authorization: `Bearer let-me-in-012345678-${time}` };
      const response = await register(system, CLIENT, { headers: wrong });
      descriptions.push(`${response.status} ${(await response.json()).error_description}`);
      if (response.status === 429) assert.ok(Number(response.headers.get('retry-after')) > 3000);
    }
    // One was wrong before.
    assert.match(descriptions[18], /^401 /);
    for (const description of descriptions.slice(19)) assert.match(description, /^429 too many wrong initial access/);
  });
});

describe('without --authorization_server_metadata=register', { timeout: 60_000 }, () => {
  it('there is no registration', async () => {
    const system = await System.start('registration_off');
    try {
      assert.equal((await register(system, CLIENT)).status, 404);
    } finally {
      await system.stop();
    }
  });
});
