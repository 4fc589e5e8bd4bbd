// Tasks (extension io.modelcontextprotocol/tasks, 2026-07-28): calls that go on after their request was answered, the
// user being asked meanwhile. What the official suite does not look at.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { LegacySession, ModernClient, eventsOf } from './lib/raw_mcp.js';
import { System, until } from './lib/system.js';

const TASKS = 'io.modelcontextprotocol/tasks';
const capabilities = { elicitation: {}, extensions: { [TASKS]: {} } };
const TERMINAL = ['completed', 'failed', 'cancelled'];

describe('tasks', { timeout: 120_000 }, () => {
  let system;
  let alice;
  let bob;
  before(async () => {
    system = await System.start('tasks', { tools: ['conformance'] });
    alice = new ModernClient({ url: system.mcpUrl, token: await system.token(), capabilities });
    bob = new ModernClient({ url: system.mcpUrl, token: await system.token({ username: 'bob' }), capabilities });
  });
  after(async () => {
    alice?.check.assertValid();
    await system?.stop();
  });

  const start = async (name, args) => {
    const result = await alice.tool(name, args);
    assert.equal(result.resultType, 'task', JSON.stringify(result));
    return result;
  };
  const get = async (taskId, client = alice) => (await client.call('tasks/get', { taskId })).result;
  const reaches = (taskId, ...wanted) =>
    until(`task is ${wanted}`, async () => {
      const task = await get(taskId);
      return wanted.includes(task.status) && task;
    });

  it('a task asks the user while it runs, takes the answer and completes', async () => {
    const { taskId } = await start('confirm_delete', { filename: 'notes.txt' });
    const waiting = await reaches(taskId, 'input_required');
    const [[key, request]] = Object.entries(waiting.inputRequests);
    assert.equal(request.method, 'elicitation/create');
    assert.ok(!('requestState' in waiting));
    const property = Object.keys(request.params.requestedSchema.properties)[0];
    const inputResponses = { [key]: { action: 'accept', content: { [property]: true } } };
    const { result } = await alice.call('tasks/update', { taskId, inputResponses });
    assert.deepEqual(Object.keys(result).filter((name) => name !== '_meta'), ['resultType']);
    const done = await reaches(taskId, ...TERMINAL);
    assert.equal(done.status, 'completed', JSON.stringify(done));
    assert.ok(done.result.content.length > 0);
    // What is over stays as it is.
    assert.equal((await alice.call('tasks/cancel', { taskId })).result.resultType, 'complete');
    assert.deepEqual((await get(taskId)).result, done.result);
  });

  it('partial answers leave the rest outstanding', async () => {
    const { taskId } = await start('multi_input');
    const { inputRequests } = await reaches(taskId, 'input_required');
    const keys = Object.keys(inputRequests);
    assert.equal(keys.length, 2);
    for (const [index, key] of keys.entries()) {
      const property = Object.keys(inputRequests[key].params.requestedSchema.properties)[0];
      const content = { [property]: inputRequests[key].params.requestedSchema.properties[property].type === 'boolean' ? true : 'x' };
      await alice.call('tasks/update', { taskId, inputResponses: { [key]: { action: 'accept', content } } });
      if (index === 0) assert.deepEqual(Object.keys((await get(taskId)).inputRequests ?? {}), [keys[1]]);
    }
    assert.equal((await reaches(taskId, ...TERMINAL)).status, 'completed');
  });

  it('another user can neither see, answer nor cancel it', async () => {
    const { taskId } = await start('slow_compute', { seconds: 30 });
    for (const method of ['tasks/get', 'tasks/cancel']) assert.equal((await bob.call(method, { taskId })).error?.code, -32602, method);
    assert.equal((await bob.call('tasks/update', { taskId, inputResponses: {} })).error?.code, -32602);
    assert.equal((await get(taskId)).status, 'working');
    await alice.call('tasks/cancel', { taskId });
    assert.equal((await reaches(taskId, ...TERMINAL)).status, 'cancelled');
    bob.check.assertValid();
  });

  it('cancelling is prompt', async () => {
    const { taskId } = await start('slow_compute', { seconds: 60 });
    const beganMs = performance.now();
    await alice.call('tasks/cancel', { taskId });
    await reaches(taskId, 'cancelled');
    assert.ok(performance.now() - beganMs < 10_000, 'it would have taken a minute');
  });

  it('a listener hears of each change of its own tasks, and of nobody else\'s', async () => {
    const { taskId } = await start('slow_compute', { seconds: 4 });
    const listen = async (client, id) => {
      const abort = new AbortController();
      const response = await client.send('subscriptions/listen', { notifications: { taskIds: [taskId] } }, { id, signal: abort.signal });
      const messages = [];
      void (async () => {
        for await (const { data } of eventsOf(response)) if (data) messages.push(JSON.parse(data));
      })().catch(() => {});
      await until('the acknowledgement', () => messages.length > 0);
      return { messages, abort };
    };
    const [mine, foreign] = [await listen(alice, 1), await listen(bob, 2)];
    assert.deepEqual(mine.messages[0].params.notifications, { taskIds: [taskId] });
    assert.deepEqual(foreign.messages[0].params.notifications.taskIds ?? [], []);
    const changes = () => mine.messages.filter(({ method }) => method === 'notifications/tasks').map(({ params }) => params);
    const last = await until('news of the end', () => changes().find(({ status }) => status === 'completed'));
    assert.equal(last.taskId, taskId);
    assert.ok(last.result.content.length > 0);
    await sleep(200);
    assert.equal(foreign.messages.filter(({ method }) => method === 'notifications/tasks').length, 0);
    mine.abort.abort();
    foreign.abort.abort();
  });

  it('a session is never given a task: optional ones run in the call, others say why not', async () => {
    const session = await LegacySession.open({ url: system.mcpUrl, token: alice.token, version: '2025-11-25' });
    const { result } = await session.call('tools/call', { name: 'slow_compute', arguments: { seconds: 0.1 } });
    assert.ok(!result.isError && !('taskId' in result));
    const required = await session.call('tools/call', { name: 'failing_job', arguments: {} });
    assert.ok(required.error || required.result.isError, JSON.stringify(required));
    assert.ok(required.error || /task/.test(required.result.content[0].text), JSON.stringify(required));
    session.check.assertValid();
  });

  it('many tasks at once', async () => {
    const tasks = await Promise.all(Array.from({ length: 20 }, () => start('slow_compute', { seconds: 0.5 })));
    assert.equal(new Set(tasks.map(({ taskId }) => taskId)).size, 20);
    for (const { taskId } of tasks) assert.equal((await reaches(taskId, ...TERMINAL)).status, 'completed');
  });

  it('tool services that end take nothing else with them: the task fails and says so', async () => {
    const { taskId } = await start('slow_compute', { seconds: 30 });
    const fixture = system.services.get('conformance');
    await fixture.kill();
    const task = await reaches(taskId, ...TERMINAL);
    assert.equal(task.status, 'failed');
    assert.equal(typeof task.error.code, 'number');
    await fixture.start();
  });
});
