// Attacks that only the whole system can show to fail: one test for each line of docs/threat-model.md that no smaller test has.
// Forged and malformed tokens, hosts, origins and sessions of others are in bad_input, hostile tools in hostile, redirect URIs in
// registration.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';

import { obtainMachineToken, obtainToken } from '../../dev_provider/lib/sign_in.js';
import { Forger } from './lib/forged_tokens.js';
import { Load } from './lib/load.js';
import { callModern, callWhoami } from './lib/mcp.js';
import { LegacySession, ModernClient } from './lib/raw_mcp.js';
import { ROOT, System, outputDir, python, until } from './lib/system.js';

const run = promisify(execFile);

const recording = (file) => ({
  name: 'recording',
  command: (port) => [python().file, join(ROOT, 'tests', 'e2e', 'tool_services', 'recording.py'), String(port), file],
  env: () => python().env,
  tool: 'record',
});

// An HTTP server that counts what reaches it: the target of requests that must not be made. `connections`: how many there
// were, whatever was spoken on them.
async function trap() {
  const requests = [];
  const server = createServer((req, res) => {
    requests.push({ url: req.url, headers: req.headers });
    res.end('{}');
  }).listen(0, '127.0.0.1');
  let connections = 0;
  server.on('connection', () => ++connections);
  await once(server, 'listening');
  return {
    requests,
    connections: () => connections,
    port: server.address().port,
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => server.close(),
  };
}

async function assertRefused(system, token, what) {
  const { status, headers } = await callWhoami(system, token);
  assert.equal(status, 401, what);
  assert.match(headers.get('www-authenticate'), /error="invalid_token"/, what);
}

describe("the client's token goes no further than auth_service", { timeout: 60_000 }, () => {
  const recordFile = join(outputDir('attacks_passthrough'), 'recorded.jsonl');
  let system;
  before(async () => {
    system = await System.start('attacks_passthrough', {
      tools: ['whoami', recording(recordFile)],
      authFlags: ['--log_severity=debug', '--negative_verdict_ttl=0s'],
      edgeFlags: ['--log_severity=debug', '--verdict_ttl=0s'],
    });
  });
  after(() => system?.stop());

  it('it is in no log, metric, answer or gRPC message', async () => {
    const good = {
      jwt: await system.token({ scope: 'openid todo:read' }),
      opaque: await system.token({ resource: null }),
    };
    const { id_token: idToken } = await obtainToken({ issuer: system.issuer });
    const marker = 'marker0123456789marker0123456789';
    const bad = {
      idToken,
      garbage: marker,
      jwtLike: `eyJhbGciOiJub25lIn0.${marker}.${marker}`,
      otherAudience: await system.token({ resource: system.sseUrl }),
    };
    const answers = [];
    const keep = ({ status, headers, body, error, result }) =>
      answers.push(JSON.stringify({ status, headers: headers && [...headers], body, error, result }));
    for (const token of Object.values(good)) {
      const client = new ModernClient({ url: system.mcpUrl, token });
      keep(
        await client.call(
          'tools/call',
          { name: 'record', arguments: { a: 1 } },
          { headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' } },
        ),
      );
      keep(await client.call('resources/read', { uri: 'recording://resource' }));
      keep(await client.call('prompts/get', { name: 'record_prompt' }));
      keep(
        await client.call('completion/complete', {
          ref: { type: 'ref/prompt', name: 'record_prompt' },
          argument: { name: 'x', value: '' },
        }),
      );
      keep(await client.call('tools/call', { name: 'no_such_tool', arguments: {} }));
      keep(await client.call('no/such/method'));
      keep(await callWhoami(system, token));
      const session = await LegacySession.open({ url: system.mcpUrl, token, version: '2025-11-25' });
      keep(await session.call('tools/call', { name: 'record', arguments: {} }));
      await session.end();
      // The provider fails while the token is being checked.
      await system.fault({ path: '/oidc/me', kind: 'error' });
      keep(await callWhoami(system, token));
      await system.clearFaults();
    }
    for (const token of Object.values(bad)) keep(await callWhoami(system, token));

    const recorded = readFileSync(recordFile, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.ok(recorded.filter(({ method }) => method === 'CallTool').length >= 4, 'the recorder was called');
    const places = new Map([
      ['answers', answers.join('\n')],
      [
        'gRPC metadata and messages',
        recorded
          .map(({ metadata, request }) => JSON.stringify(metadata) + Buffer.from(request, 'hex').toString('latin1'))
          .join('\n'),
      ],
    ]);
    for (const [name, service] of system.services) places.set(`the log of ${name}`, service.lines.join('\n'));
    for (const name of ['authAdmin', 'edgeAdmin', 'whoamiAdmin']) {
      places.set(
        `the metrics of ${name}`,
        await (await fetch(`http://127.0.0.1:${system.ports[name]}/metrics`)).text(),
      );
    }
    for (const [name, token] of Object.entries({ ...good, ...bad })) {
      // The whole, and of a JWT the signature alone, which is what makes it good.
      for (const secret of [token, token.split('.').at(-1)]) {
        for (const [place, text] of places) assert.ok(!text.includes(secret), `${name} is in ${place}`);
      }
    }
    for (const { metadata } of recorded) assert.ok(!metadata.some(([key]) => key === 'authorization'));
  });

  it('nor is the provider asked with it at another place', async () => {
    const elsewhere = await trap();
    const token = await system.token({ resource: null });
    await system.fault({ path: '/oidc/me', kind: 'answer', status: 302, headers: { Location: `${elsewhere.url}/me` } });
    const { status } = await callWhoami(system, token);
    await system.clearFaults();
    elsewhere.close();
    assert.equal(status, 503, 'a redirect is no verdict');
    assert.deepEqual(elsewhere.requests, []);
  });
});

describe('tokens that are good for something else', { timeout: 60_000 }, () => {
  let system;
  before(async () => {
    system = await System.start('attacks_audience', {
      hasSecondProvider: true,
      authFlags: ({ issuer, otherIssuer }) => [`--issuers=${issuer},${otherIssuer}`, '--negative_verdict_ttl=0s'],
    });
  });
  after(() => system?.stop());

  it('for another resource of the same provider, down to a trailing slash', async () => {
    for (const indicator of ['https://mail.example.com/api', `${system.mcpUrl}/`, system.origin]) {
      await system.manage('POST', '/resources', { name: indicator, indicator });
      await assertRefused(system, await system.token({ resource: indicator }), indicator);
    }
    await assertRefused(system, await system.token({ resource: system.sseUrl }), 'that of the HTTP+SSE endpoint');
  });

  it('an ID token', async () => {
    for (const resource of [undefined, system.mcpUrl]) {
      const { id_token: idToken } = await obtainToken({ issuer: system.issuer, resource });
      await assertRefused(system, idToken, 'ID token');
    }
  });

  it('a token for the Management API', async () => {
    await assertRefused(
      system,
      (await obtainMachineToken({ issuer: system.issuer })).access_token,
      'Management API token',
    );
  });

  it('a refresh token', async () => {
    const redirectUri = 'http://127.0.0.1:33418/callback';
    const application = await system.manage('POST', '/applications', {
      name: 'Web',
      type: 'SPA',
      customClientMetadata: { alwaysIssueRefreshToken: true },
      oidcClientMetadata: { redirectUris: [redirectUri], postLogoutRedirectUris: [] },
    });
    const { refresh_token: refreshToken } = await obtainToken({
      issuer: system.issuer,
      clientId: application.id,
      redirectUri,
    });
    assert.ok(refreshToken);
    await assertRefused(system, refreshToken, 'refresh token');
  });

  it("one issuer's token that says it is of another", async () => {
    // Signed with the key of the first, and everything else as the second would write it.
    const forger = new Forger(system);
    assert.equal((await callWhoami(system, forger.signed())).status, 200, 'the forger can write good ones');
    await assertRefused(system, forger.signed({ iss: system.otherIssuer }), 'issuer confusion');
  });
});

describe('the same user in another application', { timeout: 60_000 }, () => {
  let system;
  let mine;
  let theirs;
  before(async () => {
    system = await System.start('attacks_client', { tools: ['whoami', 'conformance', 'trips'] });
    mine = await system.token();
    theirs = await system.token({ clientId: 'mailapp' });
  });
  after(() => system?.stop());

  const capabilities = {
    elicitation: {},
    roots: {},
    sampling: {},
    extensions: { 'io.modelcontextprotocol/tasks': {} },
  };
  const clientOf = (token) => new ModernClient({ url: system.mcpUrl, token, capabilities });

  it('does not reach my session', async () => {
    const session = await LegacySession.open({ url: system.mcpUrl, token: mine, version: '2025-11-25' });
    session.token = theirs;
    assert.equal((await session.call('tools/list')).status, 404);
    const stream = await session.stream();
    assert.equal(stream.status, 404);
    await stream.body?.cancel();
    session.token = mine;
    assert.equal((await session.call('tools/list')).status, 200);
    await session.end();
  });

  it('cannot use state that was sealed for me', async () => {
    const args = { city: 'Oslo' };
    const first = await clientOf(mine).call('tools/call', { name: 'book_trip', arguments: args });
    const { requestState: state, inputRequests } = first.result;
    assert.ok(state, JSON.stringify(first.result));
    const inputResponses = Object.fromEntries(Object.keys(inputRequests).map((key) => [key, { action: 'decline' }]));
    const retry = (token) =>
      clientOf(token).call('tools/call', { name: 'book_trip', arguments: args, requestState: state, inputResponses });
    assert.equal((await retry(theirs)).error?.code, -32602);
    assert.ok((await retry(mine)).result);
  });

  it('does not see my task', async () => {
    const { result } = await clientOf(mine).call('tools/call', {
      name: 'confirm_delete',
      arguments: { filename: 'x' },
    });
    assert.equal(result.resultType, 'task', JSON.stringify(result));
    const get = (token) => clientOf(token).call('tasks/get', { taskId: result.taskId });
    assert.ok((await get(theirs)).error, 'not theirs');
    assert.ok((await get(mine)).result, 'mine');
  });
});

describe('a provider that sends auth_service elsewhere', { timeout: 180_000 }, () => {
  const readiness = async (system) => (await fetch(`http://127.0.0.1:${system.ports.authAdmin}/readyz`)).text();
  let system;
  let elsewhere;
  before(async () => {
    elsewhere = await trap();
    system = await System.start('attacks_ssrf', { authFlags: ['--provider_timeout=2s'] });
  });
  after(async () => {
    elsewhere.close();
    await system?.stop();
  });

  const discovery = async () => (await fetch(`${system.issuer}/.well-known/openid-configuration`)).json();
  const DISCOVERY = '/oidc/.well-known/*';

  async function restartedWith(rule) {
    await system.authService.stop();
    await system.fault(rule);
    system.authService.spawn();
    const why = await until('it says why it is not ready', async () => {
      const text = await readiness(system).catch(() => '');
      return text.length > 0 && !text.includes('wait a moment') && text;
    });
    assert.equal((await fetch(`http://127.0.0.1:${system.ports.authAdmin}/readyz`)).status, 503, why);
    await system.clearFaults();
    await until('it is ready once the provider is honest', () => system.authService.isReady());
    return why;
  }

  for (const [name, change, reason] of [
    [
      'keys at a metadata service of a cloud',
      { jwks_uri: 'http://169.254.169.254/latest/meta-data' },
      /jwks_uri must be https/,
    ],
    ['keys in a file', { jwks_uri: 'file:///etc/passwd' }, /jwks_uri must be https/],
    [
      'userinfo at another host by http',
      { userinfo_endpoint: 'http://192.0.2.1/me' },
      /userinfo_endpoint must be https/,
    ],
    [
      'keys in our own network',
      { jwks_uri: 'https://10.0.0.1/jwks' },
      /jwks_uri must be at the issuer's host or at one of --provider_hosts/,
    ],
    [
      'userinfo at a stranger',
      { userinfo_endpoint: 'https://192.0.2.1/me' },
      /userinfo_endpoint must be at the issuer's host/,
    ],
    ['another issuer', { issuer: 'http://localhost:1/oidc' }, /is of issuer/],
  ]) {
    it(`${name}: not followed, and not ready`, async () => {
      const document = { ...(await discovery()), ...change };
      assert.match(await restartedWith({ path: DISCOVERY, kind: 'answer', body: document }), reason);
    });
  }

  it('redirects of metadata and keys: not followed', async () => {
    for (const path of [DISCOVERY, '/oidc/jwks']) {
      const why = await restartedWith({
        path,
        kind: 'answer',
        status: 302,
        headers: { Location: `${elsewhere.url}/redirected` },
      });
      assert.match(why, /HTTP status 302/);
    }
    assert.deepEqual(elsewhere.requests, []);
  });

  it('metadata and keys without end: cut off', async () => {
    for (const path of [DISCOVERY, '/oidc/jwks']) {
      const document = { ...(await discovery()), keys: [], padding: 'x'.repeat(2 << 20) };
      assert.match(await restartedWith({ path, kind: 'answer', body: document }), /longer than/);
    }
  });

  it('later, too: what was known before goes on', async () => {
    const token = await system.token();
    await system.fault({ path: '/oidc/jwks', kind: 'answer', body: { keys: [] } });
    await system.fault({
      path: DISCOVERY,
      kind: 'answer',
      body: { ...(await discovery()), jwks_uri: 'http://169.254.169.254/' },
    });
    assert.equal((await callWhoami(system, token)).status, 200);
    await system.clearFaults();
  });
});

describe('somebody who says where to go', { timeout: 60_000 }, () => {
  let system;
  let elsewhere;
  let forger;
  before(async () => {
    elsewhere = await trap();
    const pointing = {
      name: 'pointing',
      command: (port) => [python().file, join(ROOT, 'tests', 'e2e', 'tool_services', 'pointing.py'), String(port), elsewhere.url],
      env: () => python().env,
      tool: 'point',
    };
    system = await System.start('attacks_pointing', { tools: ['whoami', pointing], authFlags: ['--negative_verdict_ttl=0s'] });
    forger = new Forger(system);
  });
  after(async () => {
    elsewhere.close();
    await system?.stop();
  });

  // A key of the type that the provider has, with the public half as a JWK.
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'mine', alg: 'ES384', use: 'sig' };

  it('a token that brings its key along, or says where it is: refused, and nobody looks', async () => {
    const headers = {
      jwk: { jwk },
      jku: { jku: `${elsewhere.url}/jku` },
      x5u: { x5u: `${elsewhere.url}/x5u` },
      x5c: { x5c: [publicKey.export({ type: 'spki', format: 'der' }).toString('base64')] },
    };
    for (const [name, header] of Object.entries(headers)) {
      await assertRefused(system, forger.signed({}, header, privateKey), `${name}, under the known key id`);
      for (const kid of ['mine', undefined, `${elsewhere.url}/kid`]) {
        const { status } = await callWhoami(system, forger.signed({}, { ...header, kid }, privateKey));
        // The provider is asked for unknown keys once in ten seconds; until then nobody can tell.
        assert.ok([401, 503].includes(status), `${name}, under ${kid}: ${status}`);
      }
    }
    // Of an issuer that would be glad to publish it.
    await assertRefused(system, forger.signed({ iss: `${elsewhere.url}/oidc` }, { kid: 'mine' }, privateKey), 'iss');
    assert.deepEqual([elsewhere.requests, elsewhere.connections()], [[], 0]);
    // Such headers do no harm beside a good signature.
    assert.equal((await callWhoami(system, forger.signed({}, { jku: `${elsewhere.url}/jku`, jwk }))).status, 200);
    assert.equal(elsewhere.connections(), 0);
  });

  it("a tool's schemas, icons, links and resources: passed on, and nobody looks", async () => {
    const client = new ModernClient({ url: system.mcpUrl, token: await system.token() });
    const { result: list } = await client.call('tools/list');
    assert.deepEqual(list.tools.map(({ name }) => name).sort(), ['point', 'whoami'], 'schemas that cannot be read are refused');
    assert.ok(list.tools.find(({ name }) => name === 'point').icons[0].src.endsWith('/icon.png'));
    const { content } = await client.tool('point', { a: `${elsewhere.url}/argument` });
    assert.ok(content.some(({ uri }) => uri === `${elsewhere.url}/link`));
    const { result: read } = await client.call('resources/read', { uri: `${elsewhere.url}/resource` });
    assert.equal(read.contents[0].text, `${elsewhere.url}/contents`, 'the tool service reads it');
    assert.deepEqual([elsewhere.requests, elsewhere.connections()], [[], 0]);
  });
});

describe('what is open', { timeout: 60_000 }, () => {
  let system;
  before(async () => {
    // No service is told where to listen.
    system = await System.start('attacks_open', { tools: ['whoami', 'todo', 'conformance'], edgeFlags: ['--authorization_server_metadata=mirror'] });
  });
  after(() => system?.stop());

  // The addresses on which a process listens, as hexadecimal words of the kernel's table and ports.
  function listening(pid) {
    const inodes = new Set(
      readdirSync(`/proc/${pid}/fd`).map((fd) => /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1]),
    );
    const LISTEN = '0A';
    return ['tcp', 'tcp6'].flatMap((table) =>
      readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => line.trim().split(/\s+/))
        .filter(([, , , state, , , , , , inode]) => state === LISTEN && inodes.has(inode))
        .map(([, local]) => local.split(':')),
    );
  }

  it('without being told otherwise, every port is on loopback', () => {
    for (const name of ['auth_service', 'mcp_edge', 'whoami', 'todo', 'conformance']) {
      const sockets = listening(system.services.get(name).pid);
      assert.equal(sockets.length, 2, `${name}: ${sockets}`);
      for (const [address] of sockets) {
        const isLoopback = ['0100007F', '0000000000000000FFFF00000100007F', '00000000000000000000000001000000'].includes(address);
        assert.ok(isLoopback, `${name} listens on ${address}`);
      }
    }
  });

  it('the edge is no authorization server: there is nothing to sign in at, no token and no code', async () => {
    for (const path of ['/authorize', '/token', '/oidc/auth', '/oidc/token', '/introspect', '/revoke', '/register', '/jwks.json', '/metrics', '/.well-known/openid-configuration']) {
      for (const method of ['GET', 'POST']) {
        const response = await fetch(system.origin + path, { method, redirect: 'manual' });
        assert.ok([404, 405].includes(response.status), `${method} ${path}: ${response.status}`);
        await response.body?.cancel();
      }
    }
  });

  it('ids of sessions and tasks are long, of few characters, and tell nothing of the next', async () => {
    const token = await system.token();
    const client = new ModernClient({ url: system.mcpUrl, token, capabilities: { extensions: { 'io.modelcontextprotocol/tasks': {} } } });
    const [sessions, tasks] = [[], []];
    for (let number = 0; number < 10; ++number) {
      const session = await LegacySession.open({ url: system.mcpUrl, token, version: '2025-11-25' });
      sessions.push(session.id);
      await session.end();
      const { taskId } = await client.tool('slow_compute', { seconds: 30 });
      tasks.push(taskId);
      await client.call('tasks/cancel', { taskId });
    }
    for (const ids of [sessions, tasks]) {
      for (const id of ids) assert.match(id, /^[\w-]{22,}$/, 'at least 128 bits');
      // Of random ones the beginnings and the ends differ, too: half of 128 bits is enough for that.
      for (const part of [(id) => id.slice(0, 11), (id) => id.slice(-11)]) assert.equal(new Set(ids.map(part)).size, ids.length, ids.join());
    }
  });
});

describe('a principal that nobody vouches for, straight to a tool service', { timeout: 60_000 }, () => {
  const recordFile = join(outputDir('attacks_principal'), 'recorded.jsonl');
  let system;
  before(async () => {
    system = await System.start('attacks_principal', { tools: ['whoami', recording(recordFile)] });
  });
  after(() => system?.stop());

  const CLAIMS = '{"sub":"a1ice7k2m9xq","admin":true}';
  const forged = (more = {}) => ({
    issuer: system.issuer,
    subject: 'a1ice7k2m9xq',
    clientId: 'smartmail',
    claimsJson: CLAIMS,
    ...more,
  });
  async function callDirectly(principal) {
    const script = join(ROOT, 'tests', 'e2e', 'tool_services', 'call_directly.py');
    const { file, env } = python();
    const { stdout } = await run(file, [script, String(system.ports.whoami), 'whoami', JSON.stringify(principal)], {
      env: { ...process.env, ...env },
    });
    return JSON.parse(stdout);
  }

  it('without a signature: UNAUTHENTICATED', async () => {
    assert.equal((await callDirectly(forged())).code, 'UNAUTHENTICATED');
  });

  it('with one that the edge made for another tool service: UNAUTHENTICATED', async () => {
    const token = await system.token();
    await callModern(system.mcpUrl, 'tools/call', { name: 'record', arguments: {} }, token);
    const { request } = JSON.parse(
      readFileSync(recordFile, 'utf8')
        .trim()
        .split('\n')
        .filter((line) => line.includes('"CallTool"'))
        .at(-1),
    );
    const assertion = /[\w-]{10,}\.[\w-]{20,}\.[\w-]{20,}/.exec(Buffer.from(request, 'hex').toString('latin1'))?.[0];
    assert.ok(assertion, 'the edge signs');
    assert.ok(!token.includes(assertion), 'with its own key');
    const outcome = await callDirectly(forged({ assertion }));
    assert.equal(outcome.code, 'UNAUTHENTICATED', JSON.stringify(outcome));
  });

  it('signed by somebody else, or by nobody: UNAUTHENTICATED', async () => {
    const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const now = Math.floor(Date.now() / 1000);
    const payload = part({
      iss: system.mcpUrl,
      aud: 'whoami',
      sub: 'a1ice7k2m9xq',
      idp: system.issuer,
      iat: now,
      exp: now + 60,
      claims: JSON.parse(CLAIMS),
    });
    for (const header of [{ alg: 'none' }, { alg: 'ES256', kid: 'x', typ: 'gatehouse-principal+jwt' }]) {
      const signature = header.alg === 'none' ? '' : Buffer.alloc(64, 1).toString('base64url');
      assert.equal(
        (await callDirectly(forged({ assertion: `${part(header)}.${payload}.${signature}` }))).code,
        'UNAUTHENTICATED',
        header.alg,
      );
    }
  });
});

describe('a flood of tokens that nobody issued', { timeout: 60_000 }, () => {
  const BUDGET = 20;
  const FLOOD_S = 3;

  it('costs the provider a bounded number of requests, and good tokens nothing', async () => {
    const system = await System.start('attacks_flood', {
      authFlags: ['--verdict_ttl=60s', `--opaque_refusals_per_second=${BUDGET}`],
    });
    try {
      const tokens = [await system.token(), await system.token({ resource: null })];
      for (const token of tokens) assert.equal((await callWhoami(system, token)).status, 200);
      const before = await system.providerRequests();
      const startMs = performance.now();
      let number = 0;
      const flood = new Load({ url: system.mcpUrl, token: () => `random-${++number}-${'x'.repeat(30)}`, workers: 16 });
      const jwts = new Load({
        url: system.mcpUrl,
        token: () =>
          `${Buffer.from(JSON.stringify({ alg: 'ES384', typ: 'at+jwt', kid: `k${++number}` })).toString('base64url')}.${tokens[0].split('.')[1]}.AAAA`,
        workers: 4,
      });
      let turn = 0;
      const good = new Load({ url: system.mcpUrl, token: () => tokens[turn++ % 2], workers: 2 });
      await new Promise((resume) => setTimeout(resume, FLOOD_S * 1000));
      await Promise.all([flood, jwts, good].map((load) => load.stop()));
      assert.deepEqual(Object.keys(good.counts()), ['ok'], 'good tokens do not notice');
      for (const load of [flood, jwts]) {
        for (const kind of Object.keys(load.counts())) assert.ok(['status 401', 'unavailable'].includes(kind), kind);
      }
      const requests = await system.providerRequests();
      const seconds = (performance.now() - startMs) / 1000;
      const keys = (requests['GET /oidc/jwks'] ?? 0) - (before['GET /oidc/jwks'] ?? 0);
      assert.ok(keys <= 2, `${keys} requests for keys`);
      const userinfo = (requests['GET /oidc/me'] ?? 0) - (before['GET /oidc/me'] ?? 0);
      // Five seconds' budget may have been saved up.
      assert.ok(userinfo <= BUDGET * (5 + seconds) + 1, `${userinfo} of ${flood.outcomes.length} in ${seconds} s reached the provider`);
      writeFileSync(
        join(outputDir('attacks_flood'), 'measured.txt'),
        `${flood.outcomes.length} random opaque tokens in ${seconds.toFixed(1)} s: ${userinfo} requests to userinfo; ${jwts.outcomes.length} JWTs with unknown keys: ${keys} for keys; good calls meanwhile: ${good.outcomes.length}\n`,
      );
    } finally {
      await system.stop();
    }
  });
});
