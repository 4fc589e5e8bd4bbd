// What happens on streams: connections that break and are resumed, cancellation that reaches the tool, and news of changes.

import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { LegacySession, ModernClient, eventsOf } from './lib/raw_mcp.js';
import { ROOT, System, assertWithin, python, until } from './lib/system.js';
import { WAYS, connectBy, isModern } from './lib/ways.js';

// What the design promises: from the tool service's news to the client, and from the client's cancellation to the tool.
const NEWS_MS = 500;
const CANCEL_MS = 200;
// Longer than the edge waits between two catalogues of a service.
const BETWEEN_CATALOGUES_MS = 300;

const CHANGING = {
  name: 'changing',
  command: (port) => [python().file, join(ROOT, 'tests', 'e2e', 'tool_services', 'changing.py'), String(port)],
  env: () => python().env,
  tool: 'touch',
};

/** Reads events until `wanted` says that one is the last to read; returns all of them. */
async function readUntil(events, wanted) {
  const seen = [];
  for (;;) {
    const { value, done } = await events.next();
    if (done) return seen;
    seen.push(value);
    if (wanted(value)) return seen;
  }
}

const messageOf = ({ data }) => (data ? JSON.parse(data) : undefined);
const progressOf = (events) => events.map(messageOf).filter((message) => message?.method === 'notifications/progress').map(({ params }) => params.progress);

describe('resuming', { timeout: 120_000 }, () => {
  let system;
  let token;
  before(async () => {
    system = await System.start('resuming', { tools: ['conformance', 'trips'] });
    token = await system.token();
  });
  after(() => system?.stop());

  const open = (version, options) => LegacySession.open({ url: system.mcpUrl, token, version, ...options });
  const planTrip = (session, days) =>
    session.message('tools/call', { name: 'plan_trip', arguments: { city: 'Oslo', days }, _meta: { progressToken: 'trip' } });

  for (const version of ['2025-03-26', '2025-06-18', '2025-11-25']) {
    it(`${version}: a call whose connection broke is read to its end, each message once`, async () => {
      const session = await open(version);
      const message = planTrip(session, 8);
      const broken = new AbortController();
      const first = await session.post(message, { signal: broken.signal });
      const before = await readUntil(eventsOf(first), (event) => messageOf(event)?.params?.progress === 2);
      const isPrimed = before[0].id !== undefined && !before[0].data;
      assert.equal(isPrimed, version === '2025-11-25', 'only 2025-11-25 has a priming event');
      if (isPrimed) assert.ok(Number(before[0].retry) > 0);
      for (const event of before) assert.ok(event.id, 'every event has an id');
      broken.abort();

      const resumed = await session.stream({ lastEventId: before.at(-1).id });
      assert.equal(resumed.status, 200);
      const after = await readUntil(eventsOf(resumed), (event) => messageOf(event)?.id === message.id);
      assert.deepEqual([...progressOf(before), ...progressOf(after)], [1, 2, 3, 4, 5, 6, 7, 8]);
      assert.match(messageOf(after.at(-1)).result.content[0].text, /Day 8/);
      const ids = [...before, ...after].filter(({ data }) => data).map(({ id }) => id);
      assert.equal(new Set(ids).size, ids.length, 'each message has an id of its own');

      // Again, when all is over: what the first connection saw is not repeated.
      const late = await session.stream({ lastEventId: before.at(-1).id });
      const replayed = await readUntil(eventsOf(late), (event) => messageOf(event)?.id === message.id);
      assert.deepEqual(progressOf(replayed), [3, 4, 5, 6, 7, 8]);
      session.check.assertValid();
    });
  }

  it('a client that leaves does not cancel: the call goes on', async () => {
    const session = await open('2025-11-25');
    const since = system.services.get('trips').lines.length;
    const broken = new AbortController();
    const response = await session.post(planTrip(session, 4), { signal: broken.signal });
    const seen = await readUntil(eventsOf(response), (event) => messageOf(event)?.params?.progress === 1);
    broken.abort();
    await sleep(1500);
    assert.deepEqual(system.services.get('trips').events(since), []);
    const resumed = await session.stream({ lastEventId: seen.at(-1).id });
    const rest = await readUntil(eventsOf(resumed), (event) => messageOf(event)?.result);
    assert.match(messageOf(rest.at(-1)).result.content[0].text, /Day 4/);
  });

  it('the server may close a stream, and the official client comes back for the rest', async () => {
    const way = WAYS.find(({ version, sse, sdk }) => version === '2025-11-25' && !sse && !sdk);
    const { client, check, close } = await connectBy(way, system);
    const result = await client.callTool({ name: 'test_reconnection', arguments: {} });
    assert.equal(result.content[0].type, 'text');
    assert.ok(check.exchanges.some(({ method, headers }) => method === 'GET' && headers.get('content-type')?.startsWith('text/event-stream')));
    await close();
  });

  it('nobody else can resume a stream: not another session, and not another user', async () => {
    const session = await open('2025-11-25');
    const { value: first } = await eventsOf(await session.post(planTrip(session, 3))).next();
    const other = await open('2025-11-25');
    assert.equal((await other.stream({ lastEventId: first.id })).status, 404);
    const bob = await system.token({ username: 'bob' });
    assert.equal((await session.stream({ lastEventId: first.id, token: bob })).status, 404);
  });

  it('an id that was never given is refused', async () => {
    const session = await open('2025-11-25');
    for (const id of ['nonsense', '1-1', '999999-7', '-', 'a'.repeat(300)]) {
      const { status } = await session.stream({ lastEventId: id });
      assert.ok([400, 404].includes(status), `${id}: ${status}`);
    }
  });

  it('a modern stream has no ids, and a Last-Event-ID there means nothing', async () => {
    const client = new ModernClient({ url: system.mcpUrl, token });
    const response = await client.send('tools/call', { name: 'plan_trip', arguments: { city: 'Oslo', days: 2 } }, {
      meta: { progressToken: 'trip' }, headers: { 'Last-Event-ID': '1-1' },
    });
    const events = await readUntil(eventsOf(response), (event) => messageOf(event)?.result);
    assert.deepEqual(progressOf(events), [1, 2]);
    assert.deepEqual(events.filter(({ id, retry }) => id || retry), []);
    client.check.assertValid();
  });
});

describe('cancellation', { timeout: 120_000 }, () => {
  let system;
  before(async () => {
    system = await System.start('cancellation', { tools: ['trips'] });
  });
  after(() => system?.stop());

  for (const way of WAYS) {
    it(`reaches the tool within ${CANCEL_MS} ms: ${way.name}`, async () => {
      const { client, close } = await connectBy(way, system);
      const trips = system.services.get('trips');
      const measure = async () => {
        const since = trips.lines.length;
        const abort = new AbortController();
        const started = new Promise((resolve) => {
          const options = { signal: abort.signal, onprogress: resolve };
          const params = { name: 'plan_trip', arguments: { city: 'Oslo', days: 100 } };
          const call = way.sdk === 1 ? client.callTool(params, undefined, options) : client.callTool(params, options);
          call.catch(() => {});
        });
        await started;
        const cancelledMs = performance.now();
        abort.abort('no longer wanted');
        await until('the tool hears of it', () => trips.events(since).some(({ event }) => event === 'call_cancelled'), { intervalMs: 5 });
        return performance.now() - cancelledMs;
      };
      await assertWithin(CANCEL_MS, measure, 'the tool hears of it');
      await close();
    });
  }

  it('a session that ends cancels what runs in it', async () => {
    const session = await LegacySession.open({ url: system.mcpUrl, token: await system.token(), version: '2025-11-25' });
    const trips = system.services.get('trips');
    const since = trips.lines.length;
    const params = { name: 'plan_trip', arguments: { city: 'Oslo', days: 100 }, _meta: { progressToken: 1 } };
    const response = await session.post(session.message('tools/call', params));
    await readUntil(eventsOf(response), (event) => messageOf(event)?.params?.progress === 1);
    assert.ok((await session.end()).ok);
    await until('the tool hears of it', () => trips.events(since).some(({ event }) => event === 'call_cancelled'));
  });
});

describe('news of changes', { timeout: 120_000 }, () => {
  let system;
  let token;
  before(async () => {
    system = await System.start('news', { tools: ['conformance', CHANGING], edgeFlags: ['--max_streams_per_principal=2000'] });
    token = await system.token();
  });
  after(() => system?.stop());

  for (const way of WAYS) {
    it(`tools, and the resource subscribed to, within ${NEWS_MS} ms: ${way.name}`, async () => {
      const news = []; // [kind, when]
      const listeners = {
        'notifications/tools/list_changed': () => news.push(['tools', performance.now()]),
        'notifications/resources/updated': ({ uri }) => news.push([uri, performance.now()]),
      };
      const { client, close } = await connectBy(way, system, { listeners });
      if (isModern(way)) await client.listen({ toolsListChanged: true, resourceSubscriptions: ['changing://a'] });
      else await client.subscribeResource({ uri: 'changing://a' });
      // A session's own stream is opened by the client in its own time.
      await until('the session stream', async () => {
        news.length = 0;
        await client.callTool({ name: 'test_trigger_tool_change', arguments: {} });
        await sleep(100);
        return news.some(([kind]) => kind === 'tools');
      });

      for (const [tool, args, wanted] of [
        ['test_trigger_tool_change', {}, 'tools'],
        ['touch', { uri: 'changing://a' }, 'changing://a'],
      ]) {
        const measure = async () => {
          await sleep(BETWEEN_CATALOGUES_MS);
          news.length = 0;
          const beganMs = performance.now();
          await client.callTool({ name: tool, arguments: args });
          await until(`news of ${wanted}`, () => news.some(([kind]) => kind === wanted), { intervalMs: 5 });
          return news.find(([kind]) => kind === wanted)[1] - beganMs;
        };
        await assertWithin(NEWS_MS, measure, `news of ${wanted}`);
      }
      news.length = 0;
      await client.callTool({ name: 'touch', arguments: { uri: 'changing://b' } });
      await sleep(NEWS_MS);
      assert.deepEqual(news.filter(([kind]) => kind === 'changing://b'), [], 'not subscribed to');
      if (!isModern(way)) {
        await client.unsubscribeResource({ uri: 'changing://a' });
        await client.callTool({ name: 'touch', arguments: { uri: 'changing://a' } });
        await sleep(NEWS_MS);
        assert.deepEqual(news.filter(([kind]) => kind === 'changing://a'), [], 'no longer subscribed to');
      }
      await close();
    });
  }

  it('a resource that comes is listed, and told of; those given in pages come after all others', async () => {
    const client = new ModernClient({ url: system.mcpUrl, token });
    const abort = new AbortController();
    const stream = eventsOf(await client.send('subscriptions/listen', { notifications: { resourcesListChanged: true } }, { id: 'news', signal: abort.signal }));
    const { value: first } = await stream.next();
    assert.equal(messageOf(first).method, 'notifications/subscriptions/acknowledged');
    assert.deepEqual(messageOf(first).params.notifications, { resourcesListChanged: true });
    await client.tool('add_resource', { uri: 'changing://c' });
    const { value: second } = await stream.next();
    assert.equal(messageOf(second).method, 'notifications/resources/list_changed');
    assert.equal(messageOf(second).params._meta['io.modelcontextprotocol/subscriptionId'], 'news');
    abort.abort();

    const uris = [];
    for (let cursor, pages = 0; ; ) {
      if (++pages > 50) throw new Error('pages without end');
      const { result } = await client.call('resources/list', cursor ? { cursor } : {});
      uris.push(...result.resources.map(({ uri }) => uri));
      if (!result.nextCursor) break;
      cursor = result.nextCursor;
    }
    const paged = Array.from({ length: 10 }, (_, number) => `changing://paged/${number}`);
    assert.deepEqual(uris.slice(-10), paged);
    assert.ok(uris.slice(0, -10).includes('changing://c'));
    assert.equal(new Set(uris).size, uris.length);
    client.check.assertValid();
  });

  it('a cursor of somebody else, or made up, is refused', async () => {
    const alice = new ModernClient({ url: system.mcpUrl, token });
    const { result } = await alice.call('resources/list');
    const bad = ['', 'x', 'AAAA', '0', `${result.nextCursor ?? 'abc'}A`];
    for (const cursor of bad) {
      const { error } = await alice.call('resources/list', { cursor });
      assert.equal(error?.code, -32602, `cursor ${cursor}`);
    }
    if (result.nextCursor) {
      const { error } = await alice.call('tools/list', { cursor: result.nextCursor });
      assert.equal(error?.code, -32602, 'of another list');
    }
  });

  it(`1,000 listeners are each told within ${NEWS_MS} ms, and only of what they asked for`, async () => {
    const COUNT = 1000;
    const clients = [new ModernClient({ url: system.mcpUrl, token }), new ModernClient({ url: system.mcpUrl, token: await system.token({ username: 'bob' }) })];
    const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
    const listeners = [];
    // Bare HTTP: what is measured is the edge, not the streams of a thousand fetches in this one thread.
    const listen = (index) =>
      new Promise((resolve, reject) => {
        const { headers, body } = clients[index % 2].request('subscriptions/listen', { notifications: { toolsListChanged: true } }, { id: index });
        const listener = { text: '', since: 0, toldMs: undefined }; // told: in the text from `since` on
        listener.request = request(system.mcpUrl, { method: 'POST', agent, headers: { ...headers, 'Content-Length': Buffer.byteLength(body) } });
        listener.request.on('error', reject).end(body);
        listener.request.on('response', (response) => {
          response.setEncoding('utf8').on('error', () => {}).on('data', (chunk) => {
            const nowMs = performance.now();
            listener.text += chunk;
            if (listener.toldMs === undefined && listener.text.includes('notifications/tools/list_changed', listener.since)) listener.toldMs = nowMs;
            if (listener.text.includes('notifications/subscriptions/acknowledged')) resolve(listener);
          });
          if (response.statusCode !== 200) reject(new Error(`listener ${index}: ${response.statusCode}`));
        });
      });
    try {
      for (let index = 0; index < COUNT; index += 50) {
        listeners.push(...(await Promise.all(Array.from({ length: 50 }, (_, offset) => listen(index + offset)))));
      }
      const measure = async () => {
        await sleep(BETWEEN_CATALOGUES_MS);
        for (const listener of listeners) Object.assign(listener, { since: listener.text.length, toldMs: undefined });
        const beganMs = performance.now();
        await clients[0].tool('test_trigger_tool_change');
        await until('all are told', () => listeners.every(({ toldMs }) => toldMs !== undefined), { intervalMs: 10 });
        return Math.max(...listeners.map(({ toldMs }) => toldMs)) - beganMs;
      };
      await assertWithin(NEWS_MS, measure, 'the last is told');
      for (const [index, { text }] of listeners.entries()) {
        const messages = text.split('\n').filter((line) => line.startsWith('data:')).map((line) => JSON.parse(line.slice(5)));
        for (const { params } of messages) assert.equal(params._meta['io.modelcontextprotocol/subscriptionId'], index);
        assert.deepEqual([...new Set(messages.map(({ method }) => method))], ['notifications/subscriptions/acknowledged', 'notifications/tools/list_changed']);
      }
      // The edge still answers while they stay open, and has not told anybody of what they did not ask for.
      await clients[0].tool('touch', { uri: 'changing://a' });
      assert.ok(listeners.every(({ text }) => !text.includes('resources/updated')));
    } finally {
      for (const listener of listeners) listener.request.destroy();
      agent.destroy();
    }
  });
});
