// Parts that are away, slow, killed, replaced or added, while others keep calling.
//
// A hung process is made with SIGSTOP: it keeps its connections and answers nothing until SIGCONT.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { Load } from './lib/load.js';
import { callModern, callWhoami } from './lib/mcp.js';
import { binary, freePort, System, TOOL_SERVICES, until } from './lib/system.js';

// What a caller may be told while a part is away. See lib/load.js.
const CLEAR = ['ok', 'unavailable', 'rpc_error'];

function assertOnly(kinds, load) {
  const other = load.outcomes.find(({ kind }) => !kinds.includes(kind));
  assert.equal(other, undefined, `only ${kinds} expected, got ${JSON.stringify(load.counts())}, the first: ${JSON.stringify(other)}`);
}

// When `load` began to get nothing but results for good, in ms after `sinceMs`. Looks at the calls made up to now.
function servesNormallyAfter(load, sinceMs) {
  const bad = load.outcomes.filter(({ kind, startMs }) => startMs >= sinceMs && kind !== 'ok');
  return bad.length === 0 ? 0 : Math.max(...bad.map(({ endMs }) => endMs)) - sinceMs;
}

function isUnavailable({ status, headers }) {
  return status === 503 && Number(headers.get('retry-after')) > 0;
}

describe('the provider away or slow', { timeout: 120_000 }, () => {
  const VERDICT_MS = 6000;
  let system;
  before(async () => {
    system = await System.start('resilience_provider', {
      authFlags: [`--verdict_ttl=${VERDICT_MS}ms`, '--provider_timeout=3s'],
      edgeFlags: ['--verdict_ttl=500ms'],
    });
  });
  after(() => system?.stop());

  const opaque = (username) => system.token({ resource: null, username });

  it('down: 503 and Retry-After for tokens not seen before; cached verdicts go on until they end', async () => {
    const [known, fresh] = [await opaque('alice'), await opaque('bob')];
    const startMs = performance.now();
    assert.equal((await callWhoami(system, known)).status, 200);
    await system.provider.kill();

    const refused = await callWhoami(system, fresh);
    assert.ok(isUnavailable(refused), `status ${refused.status}`);
    assert.equal(refused.headers.get('www-authenticate'), null, 'nobody is signed out');

    // Past the edge's own verdict, within that of auth_service.
    await sleep(1500);
    assert.equal((await callWhoami(system, known)).status, 200);
    // A JWT needs no provider once the keys are known.
    await until('the verdict to end', async () => (await callWhoami(system, known)).status === 503, { timeoutMs: 2 * VERDICT_MS, intervalMs: 250 });
    assert.ok(performance.now() - startMs > VERDICT_MS - 1000, 'not before its time');

    await system.provider.start();
    await until('JWTs work again', async () => (await callWhoami(system, await system.token())).status === 200);
  });

  it('down: JWTs go on, as the keys are known', async () => {
    const [first, second] = [await system.token(), await system.token({ username: 'bob' })];
    assert.equal((await callWhoami(system, first)).status, 200);
    await system.provider.kill();
    assert.equal((await callWhoami(system, second)).status, 200);
    await system.provider.start();
  });

  it('hung: 503 within the time-out, others are served meanwhile, and it recovers', async () => {
    const [known, fresh] = [await opaque('alice'), await opaque('bob')];
    assert.equal((await callWhoami(system, known)).status, 200);
    system.provider.signal('SIGSTOP');
    const startMs = performance.now();
    let isWaiting = true;
    const waiting = callWhoami(system, fresh).finally(() => (isWaiting = false));
    const meanwhile = await callWhoami(system, known);
    assert.equal(meanwhile.status, 200);
    assert.ok(isWaiting, 'others do not wait');
    const refused = await waiting;
    assert.ok(isUnavailable(refused), `status ${refused.status}`);
    assert.ok(performance.now() - startMs < 9000, 'not only when the edge gives up, after 10 s');
    system.provider.signal('SIGCONT');
    await until('the token works', async () => (await callWhoami(system, fresh)).status === 200);
  });

  it('away while auth_service starts: it lives, is not ready and says why; then becomes ready by itself', async () => {
    await system.provider.kill();
    await system.authService.stop();
    system.authService.spawn();
    const admin = `http://127.0.0.1:${system.ports.authAdmin}`;
    const status = (path) => fetch(admin + path).then(async (response) => ({ status: response.status, text: await response.text() }), () => ({}));
    await until('it lives', async () => (await status('/livez')).status === 200);
    await sleep(500);
    const readiness = await status('/readyz');
    assert.equal(readiness.status, 503);
    assert.match(readiness.text, /provider|issuer|discovery|connect/i);
    assert.ok(system.authService.isRunning);
    await system.provider.start();
    await until('it is ready', async () => (await status('/readyz')).status === 200, { timeoutMs: 20_000 });
    await until('calls work', async () => (await callWhoami(system, await system.token())).status === 200);
  });
});

describe('kill -9 under load', { timeout: 180_000 }, () => {
  let system;
  let token;
  let load;
  before(async () => {
    system = await System.start('resilience_kill', { edgeFlags: ['--verdict_ttl=200ms'] });
    token = await system.token();
  });
  afterEach(() => load?.stop());
  after(() => system?.stop());

  const startLoad = (options) => {
    load = new Load({ url: system.mcpUrl, token, ...options });
    return load;
  };

  // Runs load, kills the service, looks at the outage, starts it again, and waits until all is well.
  async function killAndRestart(service, duringOutage) {
    startLoad();
    await sleep(1000);
    assertOnly(['ok'], load);
    await service.kill();
    const killedMs = performance.now();
    await sleep(1500);
    await duringOutage(load.counts(killedMs));
    const restartedMs = performance.now();
    service.spawn();
    await sleep(6500);
    const outcomes = await load.stop();
    assert.ok(servesNormallyAfter(load, restartedMs) < 5000, `normal after ${servesNormallyAfter(load, restartedMs)} ms`);
    assert.ok(outcomes.filter(({ startMs, kind }) => startMs > restartedMs + 5000 && kind === 'ok').length > 50);
    const slowest = Math.max(...outcomes.map(({ startMs, endMs }) => endMs - startMs));
    assert.ok(slowest < 10_000, `the slowest call took ${slowest} ms`);
    return load;
  }

  it('auth_service: 503 with Retry-After meanwhile, normal within 5 s of the restart', async () => {
    const calls = await killAndRestart(system.authService, (outage) => {
      assert.ok(outage.unavailable > 0, JSON.stringify(outage));
    });
    assertOnly(['ok', 'unavailable'], calls);
  });

  it('whoami: stays listed, calls fail with a clear error, normal within 5 s of the restart', async () => {
    const calls = await killAndRestart(system.whoami, async (outage) => {
      assert.ok((outage.rpc_error ?? 0) + (outage.unavailable ?? 0) > 0, JSON.stringify(outage));
      const { body } = await callModern(system.mcpUrl, 'tools/list', {}, token);
      assert.deepEqual(body.result.tools.map(({ name }) => name), ['whoami']);
    });
    assertOnly(CLEAR, calls);
  });

  it('the edge: callers see the connection end, normal within 5 s of the restart', async () => {
    const calls = await killAndRestart(system.edge, (outage) => {
      assert.ok(outage.refused > 0, JSON.stringify(outage));
    });
    // Its calls in flight die with it; none of them hangs.
    assertOnly([...CLEAR, 'refused', 'connection: ECONNRESET', 'connection: EPIPE'], calls);
  });

  it('whoami in the middle of calls: each gets a clear error at once, and the edge goes on', async () => {
    system.whoami.signal('SIGSTOP');
    const calls = Array.from({ length: 20 }, () => callWhoami(system, token, { timeoutMs: 10_000 }));
    await sleep(500);
    const startMs = performance.now();
    await system.whoami.kill();
    for (const { status, headers, body } of await Promise.all(calls)) {
      const clear = isUnavailable({ status, headers }) || (status === 200 && Number.isInteger(body.error?.code) && body.error.message);
      assert.ok(clear, `status ${status}, ${JSON.stringify(body)}`);
    }
    assert.ok(performance.now() - startMs < 3000);
    await system.whoami.start();
    await until('calls work', async () => (await callWhoami(system, token)).body?.result);
  });

  it('the provider: calls with a JWT do not notice', async () => {
    startLoad();
    await sleep(500);
    await system.provider.kill();
    await sleep(1500);
    await system.provider.start();
    await sleep(500);
    await load.stop();
    assertOnly(['ok'], load);
  });
});

describe('SIGTERM', { timeout: 120_000 }, () => {
  let system;
  let token;
  let load;
  before(async () => {
    system = await System.start('resilience_stop');
    token = await system.token();
  });
  afterEach(() => load?.stop());
  after(() => system?.stop());

  const readiness = () =>
    fetch(`http://127.0.0.1:${system.ports.edgeAdmin}/readyz`, { signal: AbortSignal.timeout(1000) }).then(
      (response) => response.status,
      () => 0,
    );

  it('of the edge: calls in flight are answered, then it exits with 0', async () => {
    // Connects the edge to it: what hangs could not be connected to, and calls would fail after a second.
    assert.ok((await callWhoami(system, token)).body?.result);
    system.whoami.signal('SIGSTOP');
    const calls = Array.from({ length: 20 }, () => callWhoami(system, token));
    await sleep(1000);
    const stopped = system.edge.stop();
    await until('it is not ready any more', async () => (await readiness()) !== 200, { intervalMs: 20 });
    await sleep(500);
    system.whoami.signal('SIGCONT');
    for (const { status, body } of await Promise.all(calls)) assert.equal(body?.result?.structuredContent?.username, 'alice', `status ${status}`);
    assert.equal(await stopped, 0);
    await system.edge.start();
  });

  it('of the edge under load: no call that it accepted is lost', async () => {
    for (const keepAlive of [true, false]) {
      load = new Load({ url: system.mcpUrl, token, workers: 8, keepAlive });
      await until('there were enough calls', () => load.counts().ok > 100);
      const stopped = system.edge.stop();
      // What a load balancer does: no new calls once the edge says that it is not ready.
      await until('it is not ready any more', async () => (await readiness()) !== 200, { intervalMs: 10 });
      await load.stop();
      assert.equal(await stopped, 0);
      assert.ok(load.counts().ok > 100, JSON.stringify(load.counts()));
      assertOnly(['ok', 'unavailable', 'refused'], load);
      await system.edge.start();
      await until('calls work', async () => (await callWhoami(system, token).catch(() => undefined))?.body?.result);
    }
  });

  it('of the edge with open streams: they end, and do not hold it back', async () => {
    const controller = new AbortController();
    const headers = { Authorization: `Bearer ${await system.token({ resource: system.sseUrl })}`, Accept: 'text/event-stream' };
    const stream = await fetch(system.sseUrl, { headers, signal: controller.signal });
    assert.equal(stream.status, 200);
    const ended = stream.text().then(() => 'ended', () => 'cut');
    const startMs = performance.now();
    assert.equal(await system.edge.stop(), 0);
    assert.ok(performance.now() - startMs < 22_000);
    assert.ok(['ended', 'cut'].includes(await ended));
    await system.edge.start();
  });

  it('of whoami and auth_service under load: clear errors until they are back, and their calls in flight are answered', async () => {
    for (const service of [system.whoami, system.authService]) {
      load = new Load({ url: system.mcpUrl, token, workers: 4 });
      await sleep(500);
      assert.equal(await service.stop(), 0, service.name);
      await service.start();
      await sleep(3000);
      await until('calls are answered again', () => load.outcomes.at(-1)?.kind === 'ok');
      await load.stop();
      assertOnly(CLEAR, load);
    }
  });
});

describe('tool services that come and go', { timeout: 180_000 }, () => {
  const HOSTS = ['127.0.0.1', '127.0.0.2', '127.0.0.3'];
  let system;
  let token;
  before(async () => {
    const target = (port) => `ipv4:${HOSTS.map((host) => `${host}:${port}`).join()}`;
    // It is in the tool services file under another name too.
    const command = (...ports) => [...TOOL_SERVICES.whoami.command(...ports), '--audience=whoami,second'];
    system = await System.start('resilience_scaling', {
      tools: [{ name: 'whoami', ...TOOL_SERVICES.whoami, command }],
      toolServices: ({ whoami }) => `tool_services:\n  - name: whoami\n    target: ${target(whoami)}\n`,
    });
    token = await system.token();
  });
  after(() => system?.stop());

  // How many calls a replica has answered, from its own counter.
  async function callsOf(adminPort) {
    const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
    return Number(/^gatehouse_tool_calls_total\{(?=.*outcome="ok").*\} (\d+)/m.exec(text)?.[1] ?? 0);
  }

  it('from one whoami to three: the new ones get calls within 30 s, and the edge is not restarted', async () => {
    const edgePid = system.edge.pid;
    const load = new Load({ url: system.mcpUrl, token, workers: 4 });
    try {
      await sleep(1000);
      const added = [];
      for (const host of HOSTS.slice(1)) {
        const adminPort = await freePort();
        const service = system.addService(`whoami_${host}`, {
          command: [binary('whoami'), `--host=${host}`, `--port=${system.ports.whoami}`, `--admin_port=${adminPort}`, system.principalKeys],
          readyUrl: `http://127.0.0.1:${adminPort}/readyz`,
        });
        await service.start();
        added.push(adminPort);
      }
      const startMs = performance.now();
      await until('both new replicas get calls', async () => (await Promise.all(added.map(callsOf))).every((calls) => calls > 10), { timeoutMs: 30_000, intervalMs: 250 });
      assert.ok(performance.now() - startMs < 30_000);
      assert.equal(system.edge.pid, edgePid);
    } finally {
      await load.stop();
    }
    assertOnly(['ok'], load);
  });

  it('from three to one: no call is lost', async () => {
    const load = new Load({ url: system.mcpUrl, token, workers: 4 });
    await sleep(500);
    for (const host of HOSTS.slice(1)) assert.equal(await system.services.get(`whoami_${host}`).stop(), 0);
    await sleep(2000);
    await load.stop();
    assertOnly(['ok'], load);
  });

  it('a change of the tool services file is taken up without a restart; a broken one changes nothing', async () => {
    const names = async () => (await callModern(system.mcpUrl, 'tools/list', {}, token)).body.result.tools.map(({ name }) => name);
    const port = system.ports.whoami;
    const service = (name, prefix) => `  - name: ${name}\n    target: dns:///localhost:${port}\n${prefix ? `    prefix: ${prefix}\n` : ''}`;
    writeFileSync(system.toolsFile, `tool_services:\n${service('whoami')}${service('second', 'second_')}`);
    await until('two tools', async () => (await names()).includes('second_whoami'), { timeoutMs: 15_000, intervalMs: 250 });
    assert.deepEqual((await names()).sort(), ['second_whoami', 'whoami']);
    const call = await callModern(system.mcpUrl, 'tools/call', { name: 'second_whoami', arguments: {} }, token);
    assert.equal(call.body.result.structuredContent.username, 'alice');

    writeFileSync(system.toolsFile, 'tool_services: [');
    await sleep(6000);
    assert.deepEqual((await names()).sort(), ['second_whoami', 'whoami']);

    writeFileSync(system.toolsFile, `tool_services:\n${service('whoami')}`);
    await until('one tool again', async () => (await names()).length === 1, { timeoutMs: 15_000, intervalMs: 250 });
  });

  it('a service that cannot be reached hides no other', async () => {
    const nobody = await freePort();
    writeFileSync(
      system.toolsFile,
      `tool_services:\n  - name: gone\n    target: dns:///localhost:${nobody}\n    prefix: gone_\n  - name: whoami\n    target: dns:///localhost:${system.ports.whoami}\n`,
    );
    await sleep(3000);
    assert.equal((await callWhoami(system, token)).body.result.structuredContent.username, 'alice');
    await system.edge.stop();
    system.edge.spawn();
    await until('whoami is served', async () => (await callWhoami(system, token).catch(() => undefined))?.body?.result, { timeoutMs: 10_000 });
  });
});
