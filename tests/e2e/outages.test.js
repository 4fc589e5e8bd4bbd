// The provider away, slow or broken, its keys rotated, and auth_service scaled, while good tokens keep calling: what became
// of each call. Whatever happens, no good token is ever answered 401. The counts are left in outages/table.md.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { Load, callOnce } from './lib/load.js';
import { callWhoami } from './lib/mcp.js';
import { System, outputDir, until } from './lib/system.js';

const OUTAGE_MS = 1200;
const NEW_TOKENS = 8;
// Every fault of the provider's endpoints, the Management API's token included.
const PROVIDER = '/oidc/*';

const table = [];
after(() => {
  const width = (text, size) => String(text).padEnd(size);
  const lines = table.map(({ setting, state, token, counts }) => {
    const { ok = 0, unavailable = 0, 'status 401': refused = 0, ...others } = counts;
    const other = Object.values(others).reduce((sum, count) => sum + count, 0);
    return `| ${width(setting, 34)} | ${width(state, 24)} | ${width(token, 26)} | ${width(ok, 6)} | ${width(unavailable, 6)} | ${width(refused, 4)} | ${width(other, 5)} |`;
  });
  const head =
    '| auth_service | provider | token | 200 | 503 | 401 | other |\n| --- | --- | --- | --- | --- | --- | --- |';
  writeFileSync(join(outputDir('outages'), 'table.md'), `${head}\n${lines.join('\n')}\n`);
});

function countsOf(outcomes) {
  const counts = {};
  for (const { kind } of outcomes) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

function record(setting, state, token, counts) {
  table.push({ setting, state, token, counts });
  return counts;
}

// Only these outcomes, and at least one call.
function assertOnly(counts, kinds, what) {
  assert.ok(Object.keys(counts).length > 0, `${what}: no calls`);
  const other = Object.keys(counts).find((kind) => !kinds.includes(kind));
  assert.equal(other, undefined, `${what}: only ${kinds} expected, got ${JSON.stringify(counts)}`);
}

// Calls once with each token, evenly over the time.
function callEach(system, tokens, overMs) {
  const call = async (token, index) => {
    await sleep((index * overMs) / tokens.length);
    return callOnce({ url: system.mcpUrl, token });
  };
  return Promise.all(tokens.map(call));
}

async function newTokens(system, options) {
  const tokens = [];
  for (let time = 0; time < NEW_TOKENS; ++time)
    tokens.push(await system.token({ ...options, username: time % 2 ? 'alice' : 'bob' }));
  return tokens;
}

// How the provider can fail: `begin` and `end` the failure.
const STATES = {
  killed: {
    begin: (system) => system.provider.kill(),
    end: (system) => system.provider.start(),
  },
  stalled: {
    begin: (system) => system.fault({ path: PROVIDER, kind: 'stall' }),
    end: (system) => system.clearFaults(),
  },
  'slow (5 s)': {
    begin: (system) => system.fault({ path: PROVIDER, kind: 'slow', ms: 5000 }),
    end: (system) => system.clearFaults(),
  },
  'answers 500': {
    begin: (system) => system.fault({ path: PROVIDER, kind: 'error' }),
    end: (system) => system.clearFaults(),
  },
  'flapping (200 ms)': {
    async begin(system) {
      let on = false;
      this.changes = Promise.resolve(); // one after the other
      this.timer = setInterval(() => {
        on = !on;
        const change = on ? () => system.fault({ path: PROVIDER, kind: 'close' }) : () => system.clearFaults();
        this.changes = this.changes.then(change).catch(() => {});
      }, 200);
    },
    async end(system) {
      clearInterval(this.timer);
      await this.changes;
      await system.clearFaults();
    },
    isPartial: true,
  },
};

const COMMON = ['--provider_timeout=1s', '--negative_verdict_ttl=0s'];
const SETTINGS = [
  { name: 'verdicts kept for 60 s', authFlags: ['--verdict_ttl=60s'], seenOpaque: ['ok'], states: Object.keys(STATES) },
  {
    name: 'verdicts kept for 1 s',
    authFlags: ['--verdict_ttl=1s'],
    seenOpaque: ['ok', 'unavailable'],
    states: ['killed', 'answers 500'],
  },
  {
    name: 'for 1 s, and stale for 60 s',
    authFlags: ['--verdict_ttl=1s', '--stale_if_unavailable=60s'],
    seenOpaque: ['ok'],
    states: ['killed', 'stalled', 'answers 500', 'flapping (200 ms)'],
  },
];

for (const { name: setting, authFlags, seenOpaque, states } of SETTINGS) {
  describe(`the provider fails, ${setting}`, { timeout: 120_000 }, () => {
    let system;
    let loads = [];
    before(async () => {
      system = await System.start(`outages_${table.length}`, {
        authFlags: [...COMMON, ...authFlags],
        edgeFlags: ['--verdict_ttl=200ms'],
      });
    });
    afterEach(() => Promise.all(loads.map((load) => load.stop())));
    after(() => system?.stop());

    for (const state of states) {
      it(state, async () => {
        const { begin, end, isPartial } = STATES[state];
        const seen = { JWT: await system.token(), opaque: await system.token({ resource: null }) };
        const fresh = { JWT: await newTokens(system), opaque: await newTokens(system, { resource: null }) };
        await until('the provider is asked again', async () => (await callWhoami(system, seen.opaque)).status === 200, {
          timeoutMs: 15_000,
        });
        assert.equal((await callWhoami(system, seen.JWT)).status, 200);

        await begin.call(STATES[state], system);
        const begunMs = performance.now();
        loads = Object.values(seen).map((token) => new Load({ url: system.mcpUrl, token, workers: 2 }));
        const [newJwts, newOpaque] = await Promise.all([
          callEach(system, fresh.JWT, OUTAGE_MS),
          callEach(system, fresh.opaque, OUTAGE_MS),
          sleep(OUTAGE_MS + 500),
        ]);
        const [jwt, opaque] = await Promise.all(loads.map(async (load) => countsOf(await load.stop())));
        await end.call(STATES[state], system);

        record(setting, state, 'JWT, seen before', jwt);
        record(setting, state, 'JWT, new', countsOf(newJwts));
        record(setting, state, 'opaque, seen before', opaque);
        record(setting, state, 'opaque, new', countsOf(newOpaque));
        assertOnly(jwt, ['ok'], 'JWT, seen before');
        assertOnly(countsOf(newJwts), ['ok'], 'JWT, new');
        assertOnly(opaque, seenOpaque, 'opaque, seen before');
        assertOnly(countsOf(newOpaque), isPartial ? ['ok', 'unavailable'] : ['unavailable'], 'opaque, new');
        assert.ok(performance.now() - begunMs < 15_000, 'nobody hangs');

        // Afterwards all is well by itself, for those who were told to come again too.
        const startMs = performance.now();
        await until(
          'all tokens are good',
          async () => {
            const outcomes = await callEach(system, fresh.opaque, 0);
            assertOnly(countsOf(outcomes), ['ok', 'unavailable'], 'after the outage');
            return outcomes.every(({ kind }) => kind === 'ok');
          },
          { timeoutMs: 15_000, intervalMs: 100 },
        );
        record(
          setting,
          `${state}: recovery`,
          `after ${Math.round(performance.now() - startMs)} ms`,
          countsOf(await callEach(system, fresh.opaque, 0)),
        );
      });
    }
  });
}

describe('somebody sends made-up opaque tokens', { timeout: 60_000 }, () => {
  const REFUSALS_PER_SECOND = 10;
  let system;
  before(async () => {
    system = await System.start('outages_flood', {
      authFlags: [
        `--opaque_refusals_per_second=${REFUSALS_PER_SECOND}`,
        '--verdict_ttl=1s',
        '--negative_verdict_ttl=0s',
      ],
      edgeFlags: ['--verdict_ttl=200ms'],
    });
  });
  after(() => system?.stop());

  it('who was there before and JWTs notice nothing, and the provider is asked no more than it was agreed', async () => {
    const seen = await system.token({ resource: null });
    assert.equal((await callWhoami(system, seen)).status, 200);
    const jwts = await newTokens(system);
    let madeUp = 0;
    const startMs = performance.now();
    const flood = new Load({ url: system.mcpUrl, token: () => `made-up-token-${++madeUp}`, workers: 8 });
    const good = new Load({ url: system.mcpUrl, token: seen, workers: 2 });
    await sleep(2000);
    const newJwts = countsOf(await callEach(system, jwts, 2000));
    const [floodCounts, goodCounts] = [countsOf(await flood.stop()), countsOf(await good.stop())];
    const seconds = (performance.now() - startMs) / 1000;
    record('10 refusals a second', 'up, flood', 'opaque, seen before', goodCounts);
    record('10 refusals a second', 'up, flood', 'JWT, new', newJwts);
    record('10 refusals a second', 'up, flood', 'opaque, made up', floodCounts);
    assertOnly(goodCounts, ['ok'], 'seen before');
    assertOnly(newJwts, ['ok'], 'JWTs');
    assertOnly(floodCounts, ['status 401', 'unavailable'], 'made up');
    const asked = (await system.metrics(system.ports.authAdmin))(
      'gatehouse_auth_provider_requests_total{endpoint="userinfo",outcome="client_error"}',
    );
    assert.ok(madeUp > 2 * asked, `${madeUp} made-up tokens, ${asked} questions`);
    assert.ok(asked <= REFUSALS_PER_SECOND * (5 + seconds) + 1, `${asked} questions in ${seconds} s`);
  });
});

describe('an outage is no way to keep a token', { timeout: 60_000 }, () => {
  it('that expires while stale verdicts are in use', async () => {
    const system = await System.start('outages_expiry', {
      providerFlags: ['--access_token_ttl=3'],
      authFlags: [...COMMON, '--verdict_ttl=1s', '--stale_if_unavailable=60s', '--clock_skew=0s'],
      edgeFlags: ['--verdict_ttl=200ms'],
    });
    try {
      const token = await system.token();
      assert.equal((await callWhoami(system, token)).status, 200);
      await system.fault({ path: PROVIDER, kind: 'error' });
      const startMs = performance.now();
      await until('it is refused', async () => (await callWhoami(system, token)).status === 401, {
        timeoutMs: 25_000,
        intervalMs: 100,
      });
      assert.ok(performance.now() - startMs < 20_000, 'when it expired, not when nothing is stale any more');
    } finally {
      await system.stop();
    }
  });

  it('that was revoked before: a refusal is not forgotten', async () => {
    const system = await System.start('outages_revoked', {
      authFlags: [...COMMON, '--verdict_ttl=1s', '--stale_if_unavailable=60s'],
      edgeFlags: ['--verdict_ttl=0s'],
    });
    try {
      const token = await system.token({ resource: null });
      assert.equal((await callWhoami(system, token)).status, 200);
      const { grants } = await system.manage('GET', '/users/a1ice7k2m9xq/grants');
      for (const { id } of grants) await system.manage('DELETE', `/users/a1ice7k2m9xq/grants/${id}`);
      await until('it is refused', async () => (await callWhoami(system, token)).status === 401, {
        intervalMs: 100,
      });
      await system.fault({ path: PROVIDER, kind: 'error' });
      for (let time = 0; time < 5; ++time) {
        assert.notEqual((await callWhoami(system, token)).status, 200);
        await sleep(300);
      }
    } finally {
      await system.stop();
    }
  });
});

describe('the keys are rotated twice in a row under load', { timeout: 90_000 }, () => {
  let system;
  before(async () => {
    system = await System.start('outages_rotation', {
      authFlags: [...COMMON, '--verdict_ttl=1s'],
      edgeFlags: ['--verdict_ttl=0s'],
    });
  });
  after(() => system?.stop());

  it("no good token is refused, and the first key's are in the end", async () => {
    const rotate = (signingKeyAlgorithm) =>
      system.manage('POST', '/configs/oidc/private-keys/rotate', { signingKeyAlgorithm });
    const startLoad = (token) => new Load({ url: system.mcpUrl, token, workers: 3 });
    const first = await system.token();
    const loadOfFirst = startLoad(first);
    await sleep(500);

    await rotate('RSA');
    const second = await system.token();
    const loadOfSecond = startLoad(second);
    await sleep(500);
    record('verdicts kept for 1 s', 'keys rotated', 'JWT of the previous key', countsOf(await loadOfFirst.stop()));

    await rotate('EC');
    const third = await system.token();
    const loadOfThird = startLoad(third);
    await until('the newest key is known', async () => (await callWhoami(system, third)).status === 200, {
      timeoutMs: 30_000,
      intervalMs: 200,
    });
    await sleep(500);
    for (const [load, name] of [
      [loadOfFirst, 'first'],
      [loadOfSecond, 'second'],
      [loadOfThird, 'third'],
    ]) {
      const counts = countsOf(await load.stop());
      if (name !== 'first') record('verdicts kept for 1 s', 'keys rotated twice', `JWT of the ${name} key`, counts);
      assertOnly(counts, ['ok', 'unavailable'], name);
      assert.ok(counts.ok > 0, name);
    }
    // The first key is published no more: its tokens are refused once that is noticed.
    await until('the first token is refused', async () => (await callWhoami(system, first)).status === 401, {
      timeoutMs: 15_000,
      intervalMs: 200,
    });
    const requests = await system.providerRequests();
    assert.ok(requests['GET /oidc/jwks'] <= 6, `the keys were fetched ${requests['GET /oidc/jwks']} times`);
  });
});

describe('auth_service restarts while the provider is odd', { timeout: 120_000 }, () => {
  const DISCOVERY = '/oidc/.well-known/*';
  const KEYS = '/oidc/jwks';
  const readyz = async (system) => (await fetch(`http://127.0.0.1:${system.ports.authAdmin}/readyz`)).status;
  const document = async (system) => (await fetch(`${system.issuer}/.well-known/openid-configuration`)).json();

  async function restartWith(system, rule) {
    await system.authService.stop();
    await system.fault(rule);
    const since = system.authService.lines.length;
    system.authService.spawn();
    await until('it has asked', () =>
      system.authService.events(since).some(({ event }) => event === 'provider_refresh_failed'),
    );
  }

  async function assertUnavailable(system, token, what) {
    for (let time = 0; time < 4; ++time) {
      const { kind } = await callOnce({ url: system.mcpUrl, token });
      assert.equal(kind, 'unavailable', what);
      await sleep(400);
    }
  }

  async function becomesHonest(system, token, what) {
    await system.clearFaults();
    await until(`${what}: the token is good again`, async () => (await callWhoami(system, token)).status === 200, {
      timeoutMs: 10_000,
      intervalMs: 100,
    });
    await until(`${what}: it is ready`, async () => (await readyz(system)) === 200, { timeoutMs: 10_000 });
  }

  it('without keys that are of use it is not ready, and no good token is refused', async () => {
    const system = await System.start('outages_odd_keys', {
      authFlags: [...COMMON, '--verdict_ttl=0s', '--opaque_tokens=refuse'],
      edgeFlags: ['--verdict_ttl=0s'],
    });
    try {
      const token = await system.token();
      const good = await document(system);
      const [key] = (await (await fetch(good.jwks_uri)).json()).keys;
      for (const [what, rule] of [
        ['no keys', { path: KEYS, kind: 'answer', body: { keys: [] } }],
        ['keys of no use', { path: KEYS, kind: 'answer', body: { keys: [{ ...key, use: 'enc' }] } }],
        ['a key with another algorithm', { path: KEYS, kind: 'answer', body: { keys: [{ ...key, alg: 'none' }] } }],
        ['a key whose kid is a number', { path: KEYS, kind: 'answer', body: { keys: [{ ...key, kid: 5 }] } }],
        ['no jwks_uri', { path: DISCOVERY, kind: 'answer', body: { ...good, jwks_uri: undefined } }],
        ['a jwks_uri that is a number', { path: DISCOVERY, kind: 'answer', body: { ...good, jwks_uri: 5 } }],
      ]) {
        await restartWith(system, rule);
        assert.equal(await readyz(system), 503, what);
        await assertUnavailable(system, token, what);
        await becomesHonest(system, token, what);
      }
    } finally {
      await system.stop();
    }
  });

  it('if opaque tokens are accepted, those are good without a jwks_uri; and running, it loses no endpoint', async () => {
    const system = await System.start('outages_odd_endpoints', {
      authFlags: [...COMMON, '--verdict_ttl=0s', '--metadata_refresh_interval=1s'],
      edgeFlags: ['--verdict_ttl=0s'],
    });
    try {
      const [jwt, opaque] = [await system.token(), await system.token({ resource: null })];
      const good = await document(system);
      await restartWith(system, { path: DISCOVERY, kind: 'answer', body: { ...good, jwks_uri: undefined } });
      await until('it is ready', async () => (await readyz(system)) === 200);
      await until('the opaque token is good', async () => (await callWhoami(system, opaque)).status === 200);
      await assertUnavailable(system, jwt, 'JWT');
      await becomesHonest(system, jwt, 'JWT');

      for (const name of ['userinfo_endpoint', 'jwks_uri']) {
        const since = system.authService.lines.length;
        await system.fault({ path: DISCOVERY, kind: 'answer', body: { ...good, [name]: undefined } });
        await until('it is noticed', () =>
          system.authService.events(since).some(({ message }) => message?.includes(`names no ${name} any more`)),
        );
        for (const token of [jwt, opaque]) assert.equal((await callWhoami(system, token)).status, 200, name);
        await system.clearFaults();
      }
    } finally {
      await system.stop();
    }
  });
});

describe('auth_service from three replicas to one and back, under load', { timeout: 90_000 }, () => {
  let system;
  before(async () => {
    system = await System.start('outages_scaling', {
      authHosts: ['127.0.0.1', '127.0.0.2', '127.0.0.3'],
      authFlags: ['--verdict_ttl=60s'],
      edgeFlags: ['--verdict_ttl=0s'],
    });
  });
  after(() => system?.stop());

  it('no good token is refused, and hardly a call told to come again', async () => {
    const tokens = [await system.token(), await system.token({ resource: null })];
    const replicas = ['auth_service_2', 'auth_service_3'].map((name) => system.services.get(name));
    let turn = 0;
    const load = new Load({ url: system.mcpUrl, token: () => tokens[turn++ % tokens.length], workers: 6 });
    try {
      await sleep(1000);
      for (const replica of replicas) assert.equal(await replica.stop(), 0);
      await sleep(1500);
      await Promise.all(replicas.map((replica) => replica.start()));
      const verdicts = async (port) => (await system.metrics(port))('gatehouse_auth_verdicts_total{outcome="accepted"');
      await until(
        'the new replicas are asked',
        async () => {
          const counts = await Promise.all([system.ports.authAdmin2, system.ports.authAdmin3].map(verdicts));
          return counts.every((count) => count > 10);
        },
        { timeoutMs: 30_000, intervalMs: 250 },
      );
    } finally {
      await load.stop();
    }
    const counts = record('3, 1, 3 replicas (SIGTERM)', 'up', 'JWT and opaque', load.counts());
    assertOnly(counts, ['ok', 'unavailable'], 'all');
    assert.ok(
      (counts.unavailable ?? 0) <= Math.max(5, counts.ok / 200),
      `a call in 200 may meet a replica that goes: ${JSON.stringify(counts)}`,
    );
  });

  it('kill -9 of two of three: clear answers, and no good token is refused', async () => {
    const tokens = [await system.token(), await system.token({ resource: null })];
    let turn = 0;
    const load = new Load({ url: system.mcpUrl, token: () => tokens[turn++ % tokens.length], workers: 6 });
    try {
      await sleep(500);
      for (const name of ['auth_service_2', 'auth_service_3']) await system.services.get(name).kill();
      await sleep(2000);
      const lastAreOk = () => load.outcomes.slice(-50).every(({ kind }) => kind === 'ok');
      await until('the one that is left does it all', lastAreOk);
    } finally {
      await load.stop();
    }
    record('3, 1 replicas (SIGKILL)', 'up', 'JWT and opaque', load.counts());
    assertOnly(load.counts(), ['ok', 'unavailable'], 'all');
  });
});
