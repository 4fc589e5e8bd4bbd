// Faults on purpose, and what survives a crash.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { obtainMachineToken, obtainToken } from '../lib/sign_in.js';
import { RESOURCE, decode, freePort, start, stop } from './process.js';

describe('faults', () => {
  let child;
  let base;
  before(async () => {
    const port = await freePort();
    base = `http://localhost:${port}`;
    child = await start(port, `--resource=${RESOURCE}`, '--faults');
  });
  after(() => stop(child));

  const rule = (body) => fetch(`${base}/faults`, { method: 'POST', body: JSON.stringify(body) });
  const clear = () => fetch(`${base}/faults`, { method: 'DELETE' });
  const get = (path, init) => fetch(base + path, init);

  it('answers 500 with text until cleared', async () => {
    assert.equal((await rule({ path: '/oidc/me', kind: 'error' })).status, 201);
    const response = await get('/oidc/me');
    assert.equal(response.status, 500);
    assert.equal(await response.text(), 'Internal Server Error');
    assert.equal((await get('/oidc/jwks')).status, 200);
    await clear();
    assert.equal((await get('/oidc/me')).status, 401);
  });

  it('stops by itself after some requests, or lets some pass first', async () => {
    await rule({ path: '/oidc/jwks', kind: 'error', status: 503, times: 1, after: 1 });
    const statuses = [];
    for (let time = 0; time < 3; ++time) statuses.push((await get('/oidc/jwks')).status);
    assert.deepEqual(statuses, [200, 503, 200]);
  });

  it('stops by itself after a time', async () => {
    await rule({ path: '/oidc/jwks', kind: 'error', for_ms: 1 });
    await new Promise((resume) => setTimeout(resume, 5));
    assert.equal((await get('/oidc/jwks')).status, 200);
  });

  it('stalls, and lets go when cleared', async () => {
    await rule({ path: '/oidc/*', kind: 'stall' });
    await assert.rejects(get('/oidc/jwks', { signal: AbortSignal.timeout(100) }), { name: 'TimeoutError' });
    const waiting = get('/oidc/jwks').then(
      () => 'answered',
      () => 'closed',
    );
    assert.equal(await Promise.race([waiting, new Promise((resume) => setTimeout(resume, 50, 'waits'))]), 'waits');
    await clear();
    assert.equal(await waiting, 'closed');
    assert.equal((await get('/oidc/jwks')).status, 200);
  });

  it('is slow', async () => {
    await rule({ path: '/oidc/jwks', kind: 'slow', ms: 150, times: 1 });
    const startMs = performance.now();
    assert.equal((await get('/oidc/jwks')).status, 200);
    assert.ok(performance.now() - startMs >= 140);
  });

  it('closes the connection', async () => {
    await rule({ path: '/oidc/jwks', kind: 'close', times: 1 });
    await assert.rejects(get('/oidc/jwks'));
  });

  it('answers whatever a hostile provider might', async () => {
    await rule({
      path: '/oidc/.well-known/openid-configuration',
      kind: 'answer',
      body: { issuer: 'https://evil.example' },
      times: 1,
    });
    assert.deepEqual(await (await get('/oidc/.well-known/openid-configuration')).json(), {
      issuer: 'https://evil.example',
    });
  });

  it('counts requests by path', async () => {
    await fetch(`${base}/faults/requests`, { method: 'DELETE' });
    await get('/oidc/jwks');
    await get('/oidc/jwks?x=1');
    assert.deepEqual(await (await get('/faults/requests')).json(), { 'GET /oidc/jwks': 2 });
  });

  it('refuses a rule that it does not know', async () => {
    assert.equal((await rule({ path: '/x', kind: 'explode' })).status, 400);
  });

  it('is not there without the flag', async () => {
    const port = await freePort();
    const other = await start(port);
    assert.equal((await fetch(`http://localhost:${port}/faults`, { method: 'POST', body: '{}' })).status, 404);
    await stop(other);
  });
});

describe('with a state folder', () => {
  it('tokens, keys, users and applications survive kill -9', async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'dev_provider-'));
    const port = await freePort();
    const issuer = `http://localhost:${port}/oidc`;
    const args = [`--state_dir=${stateDir}`, `--resource=${RESOURCE}`];
    let child = await start(port, ...args);
    const { access_token: admin } = await obtainMachineToken({ issuer });
    const manage = (method, path, body) =>
      fetch(`http://localhost:${port}/api${path}`, {
        method,
        headers: { authorization: `Bearer ${admin}` },
        body: body && JSON.stringify(body),
      });
    await manage('POST', '/configs/oidc/private-keys/rotate', { signingKeyAlgorithm: 'RSA' });
    const redirectUris = ['http://127.0.0.1/callback'];
    const app = await (
      await manage('POST', '/applications', {
        name: 'App',
        type: 'Native',
        oidcClientMetadata: { redirectUris, postLogoutRedirectUris: [] },
      })
    ).json();
    const { access_token: opaque } = await obtainToken({ issuer, clientId: app.id });
    const { access_token: jwt } = await obtainToken({ issuer, resource: RESOURCE });
    await stop(child, 'SIGKILL');

    child = await start(port, ...args);
    const answer = await fetch(`${issuer}/me`, { headers: { authorization: `Bearer ${opaque}` } });
    assert.equal(answer.status, 200);
    assert.equal((await answer.json()).username, 'alice');
    const { keys } = await (await fetch(`${issuer}/jwks`)).json();
    assert.deepEqual(
      keys.map(({ kty }) => kty),
      ['RSA', 'EC'],
    );
    assert.equal(decode(jwt)[0].kid, keys[0].kid);
    assert.equal((await manage('GET', `/applications/${app.id}`)).status, 200);
    await stop(child);
    rmSync(stateDir, { recursive: true });
  });
});
