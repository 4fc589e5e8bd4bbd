// The audit log: one line for each decision, with every field that the table in the README of the edge has, and neither
// arguments nor results nor tokens.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { seedScopeId } from '../../dev_provider/lib/tenant.js';
import { Forger } from './lib/forged_tokens.js';
import { callModern } from './lib/mcp.js';
import { LegacySession, ModernClient, eventsOf } from './lib/raw_mcp.js';
import { ROOT, System, binary, until } from './lib/system.js';

// What the documentation says: fields of a line, methods that have one, and outcomes.
const chapter = /\n## Audit log\n(.*?)\n## /s.exec(readFileSync(join(ROOT, 'mcp_edge', 'README.md'), 'utf8'))[1];
const inBackticks = (text) => [...text.matchAll(/`([^`]+)`/g)].map(([, word]) => word);
const ROWS = [...chapter.matchAll(/^\| (`[^|]+) \| (.*) \|$/gm)].map(([, fields, text]) => ({ fields: inBackticks(fields), text }));
const FIELDS = ROWS.flatMap(({ fields }) => fields);
const METHODS = inBackticks(/for each (`tools\/call`.*?), when it ends/s.exec(chapter)[1]);
const OUTCOMES = inBackticks(ROWS.find(({ fields }) => fields.includes('outcome')).text);

const ALICE = { subject: 'a1ice7k2m9xq', client_id: 'smartmail' };
const TASKS = { extensions: { 'io.modelcontextprotocol/tasks': {} } };
const LINE = ['time', 'severity', 'service', 'event']; // of every line of a log

// What is sent as an argument, answered, or known only to its owner. Each test gets a new one by secret().
const secrets = new Set();
function secret(text = randomUUID()) {
  secrets.add(text);
  return text;
}

// What `action` has the edge of a system say: `{lines, access, result}`, the audit lines, the access lines by their
// request_id, and what the action returned. Lines are written in order, so the access line of a last request comes after them.
async function saidBy({ edge, origin }, action) {
  const since = edge.lines.length;
  const result = await action();
  const path = `/${randomUUID()}`;
  await (await fetch(origin + path)).body?.cancel();
  const isLast = (line) => line.event === 'request' && line.path === path;
  const events = await until('the access line of the last request', () => edge.events(since).some(isLast) && edge.events(since));
  const lines = events.filter(({ event }) => event === 'audit');
  const access = new Map(events.filter(({ event }) => event === 'request').map((line) => [line.request_id, line]));
  for (const line of lines) assertDocumented(line);
  return { lines, access, result };
}

function assertDocumented(line) {
  assert.deepEqual(Object.keys(line), [...LINE, ...['request_id', ...FIELDS.filter((field) => field !== 'request_id')]]);
  assert.ok(OUTCOMES.includes(line.outcome), line.outcome);
  assert.ok(METHODS.includes(line.method) || ['subscriptions/listen'].includes(line.method) || /^(GET|POST|DELETE) \//.test(line.method), line.method);
  assert.ok(Number.isInteger(line.duration_us) && line.duration_us >= 0, String(line.duration_us));
  assert.equal(line.severity, 'INFO');
  assert.equal(line.reason === '', line.outcome === 'allowed', `${line.outcome} ${line.reason}`);
}

// The fields of a line that a test says something of.
const pick = (line, wanted) => Object.fromEntries(Object.keys(wanted).map((key) => [key, line[key]]));

// The same key for each edge of a system, so that the tool services believe all of them.
function principalKey(system) {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  system.principalKey ??= system.file('principal_key.pem', privateKey.export({ type: 'sec1', format: 'pem' }));
  return `--principal_key_file=${system.principalKey}`;
}

describe('audit log', { timeout: 120_000 }, () => {
  let system;
  let forger;
  before(async () => {
    system = await System.start('audit', {
      tools: ['whoami', 'todo', 'conformance'],
      toolServices: (ports) => `tool_services:
  - {name: whoami, target: "dns:///localhost:${ports.whoami}"}
  - {name: todo, target: "dns:///localhost:${ports.todo}"}
  - name: conformance
    target: dns:///localhost:${ports.conformance}
    required_scopes:
      tools:
        test_simple_text: [[todo:write, todo:delete], [todo:read]]
`,
      providerFlags: ['--custom_claims=false'],
      edgeFlags: (it) => ['--verdict_ttl=0s', '--skills', principalKey(it)],
      authFlags: ['--verdict_ttl=0s', '--negative_verdict_ttl=0s'],
    });
    forger = new Forger(system);
  });
  after(async () => {
    await system?.stop();
  });

  // A token of alice, which no line may have a part of.
  async function token(scope, options) {
    const text = await system.token({ scope: `openid ${scope}`, ...options });
    for (const part of text.split('.')) secret(part);
    return text;
  }

  const client = async (scope, options = {}) => new ModernClient({ url: system.mcpUrl, token: await token(scope), ...options });

  // That the action has these lines written, in this order, each with the fields given beside those of alice.
  async function assertSaid(wanted, action) {
    const { lines, access, result } = await saidBy(system, action);
    const all = wanted.map((line) => ({ issuer: system.issuer, ...ALICE, reason: '', ...line }));
    assert.deepEqual(lines.map((line, index) => pick(line, all[index] ?? line)), all);
    for (const line of lines) assert.ok(access.has(line.request_id), 'the id is that of an access line');
    return { lines, access, result };
  }

  it('is documented: its fields, methods and outcomes', () => {
    assert.deepEqual([...FIELDS].sort(), [
      'arguments', 'client_id', 'duration_us', 'issuer', 'method', 'name', 'outcome', 'reason', 'request_id', 'scopes_asked', 'scopes_held', 'subject',
    ]);
    assert.ok(METHODS.length >= 9, METHODS.join());
    for (const outcome of ['allowed', 'challenged', 'refused', 'failed', 'cancelled']) assert.ok(OUTCOMES.includes(outcome), outcome);
  });

  describe('calls', () => {
    it('allowed: who, what, the scopes asked for and held, and how long it took', async () => {
      const alice = await client('todo:read todo:write');
      const title = secret();
      const { lines, access } = await assertSaid([
        { method: 'tools/call', name: 'add_todo', scopes_asked: 'todo:write', scopes_held: 'todo:read todo:write', outcome: 'allowed' },
        { method: 'tools/call', name: 'list_todos', scopes_asked: 'todo:read', scopes_held: 'todo:read todo:write', outcome: 'allowed' },
      ], async () => {
        await alice.tool('add_todo', { title });
        assert.ok(JSON.stringify(await alice.tool('list_todos')).includes(title), 'the result has it');
      });
      for (const { request_id: id, duration_us: took, name } of lines) {
        assert.equal(access.get(id).tool, name);
        assert.ok(took > 0 && took <= access.get(id).duration_us, `${took} of ${access.get(id).duration_us} us`);
      }
    });

    it('sets of scopes of which one is enough', async () => {
      const alice = await client('todo:read');
      const line = { method: 'tools/call', name: 'test_simple_text', scopes_asked: 'todo:write todo:delete | todo:read' };
      await assertSaid([{ ...line, outcome: 'allowed' }], () => alice.tool('test_simple_text'));
      const less = await client('todo:write');
      await assertSaid([{ ...line, outcome: 'challenged', reason: 'insufficient_scope' }], () => less.call('tools/call', { name: 'test_simple_text' }));
    });

    it('refused for want of a scope', async () => {
      const alice = await client('todo:read');
      const { result } = await assertSaid([{
        method: 'tools/call', name: 'delete_todo', scopes_asked: 'todo:delete', scopes_held: 'todo:read',
        outcome: 'challenged', reason: 'insufficient_scope',
      }], () => alice.call('tools/call', { name: 'delete_todo', arguments: { id: secret() } }));
      assert.equal(result.status, 403);
    });

    it('of a token whose scopes nobody knows', async () => {
      const opaque = await system.token({ resource: null });
      secret(opaque);
      await assertSaid([{
        method: 'tools/call', name: 'list_todos', scopes_asked: 'todo:read', scopes_held: 'unknown', client_id: '',
        outcome: 'challenged', reason: 'scopes_unknown',
      }], () => callModern(system.mcpUrl, 'tools/call', { name: 'list_todos' }, opaque));
    });

    it('a tool that says itself that it failed was allowed', async () => {
      const alice = await client('todo:write');
      const { result } = await assertSaid([{ method: 'tools/call', name: 'complete_todo', outcome: 'allowed' }],
        () => alice.tool('complete_todo', { id: '9999' }));
      assert.equal(result.isError, true);
    });

    it('a tool that breaks, or is away, has failed', async () => {
      const session = await LegacySession.open({ url: system.mcpUrl, token: await token('profile'), version: '2025-11-25' });
      const failed = { method: 'tools/call', outcome: 'failed', reason: 'internal' };
      await assertSaid([{ ...failed, name: 'protocol_error_job' }], () => session.call('tools/call', { name: 'protocol_error_job' }));
      await system.whoami.kill();
      try {
        await assertSaid([{ ...failed, name: 'whoami' }], () => session.call('tools/call', { name: 'whoami' }));
      } finally {
        await system.whoami.start();
        await session.end();
      }
    });

    it('a tool that does not exist', async () => {
      const alice = await client('profile');
      await assertSaid([{ method: 'tools/call', name: 'no_such_tool', scopes_asked: '', outcome: 'refused', reason: 'invalid_params' }],
        () => alice.call('tools/call', { name: 'no_such_tool', arguments: { x: secret() } }));
    });

    it('a name of a client that writes lines of its own is one line all the same', async () => {
      const session = await LegacySession.open({ url: system.mcpUrl, token: await token('profile'), version: '2025-11-25' });
      const name = 'x"}\n{"event":"audit","outcome":"allowed"';
      await assertSaid([{ method: 'tools/call', name, outcome: 'refused', reason: 'invalid_params' }], () => session.call('tools/call', { name }));
      await session.end();
    });

    it('a call that the client leaves was cancelled', async () => {
      const session = await LegacySession.open({ url: system.mcpUrl, token: await token('profile'), version: '2025-11-25' });
      await assertSaid([{ method: 'tools/call', name: 'slow_compute', outcome: 'cancelled', reason: 'cancelled' }], async () => {
        const message = session.message('tools/call', { name: 'slow_compute', arguments: { seconds: 30 } });
        const answer = session.post(message).then((response) => response.text()).catch(() => {});
        const isCancelled = ({ event, outcome }) => event === 'audit' && outcome === 'cancelled';
        // The first may come before the call.
        await until('the line', async () => {
          await session.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: message.id } });
          return system.edge.events().some(isCancelled);
        });
        await session.end();
        await answer;
      });
    });
  });

  describe('the other methods', () => {
    const said = async (scope, method, params, wanted, options) => {
      const alice = await client(scope, options);
      await assertSaid([{ method, ...wanted }], () => alice.call(method, params));
    };

    it('prompts, resources and skills', async () => {
      await said('profile', 'prompts/get', { name: 'test_prompt_with_arguments', arguments: { arg1: secret(), arg2: secret() } },
        { name: 'test_prompt_with_arguments', outcome: 'allowed' });
      await said('profile', 'prompts/get', { name: 'no_such' }, { name: 'no_such', outcome: 'refused', reason: 'invalid_params' });
      await said('profile', 'resources/read', { uri: 'test://static-text' }, { name: 'test://static-text', outcome: 'allowed' });
      await said('profile', 'resources/read', { uri: 'test://nothing' }, { name: 'test://nothing', outcome: 'refused', reason: 'resource_not_found' });
      await said('profile', 'skills/get', { uri: 'skill://conformance-skill/SKILL.md' }, { name: 'skill://conformance-skill/SKILL.md', outcome: 'allowed' });
      await said('profile', 'resources/directory/read', { uri: 'skill://conformance-skill' }, { name: 'skill://conformance-skill', outcome: 'allowed' });
    });

    it('a task: its call, each question about it, and what others ask', async () => {
      const alice = await client('profile', { capabilities: TASKS });
      const { result } = await assertSaid([{ method: 'tools/call', name: 'slow_compute', outcome: 'allowed' }],
        () => alice.tool('slow_compute', { seconds: 60, label: secret() }));
      const { taskId } = result;
      await assertSaid([
        { method: 'tasks/get', name: taskId, outcome: 'allowed' },
        { method: 'tasks/update', name: taskId, outcome: 'allowed' },
        { method: 'tasks/cancel', name: taskId, outcome: 'allowed' },
      ], async () => {
        await alice.call('tasks/get', { taskId });
        await alice.call('tasks/update', { taskId, inputResponses: {} });
        await alice.call('tasks/cancel', { taskId });
      });
      const bob = new ModernClient({ url: system.mcpUrl, token: await token('profile', { username: 'bob' }), capabilities: TASKS });
      await assertSaid([{ method: 'tasks/get', name: taskId, subject: 'b0bq8r5t3wzn', outcome: 'refused', reason: 'invalid_params' }],
        () => bob.call('tasks/get', { taskId }));
    });

    it('a listener: what is honoured, and what is not', async () => {
      const alice = await client('profile', { capabilities: TASKS });
      const abort = new AbortController();
      await assertSaid([
        { method: 'subscriptions/listen', name: 'test://watched-resource', outcome: 'allowed' },
        { method: 'subscriptions/listen', name: 'foreign://x no-such-task', outcome: 'refused', reason: 'not_honoured' },
      ], async () => {
        const notifications = { resourceSubscriptions: ['test://watched-resource', 'foreign://x'], taskIds: ['no-such-task'] };
        const response = await alice.send('subscriptions/listen', { notifications }, { signal: abort.signal });
        await eventsOf(response).next();
        // Its access line comes when it ends.
        abort.abort();
        const isIt = ({ event, rpc_method: method }) => event === 'request' && method === 'subscriptions/listen';
        await until('it has ended', () => system.edge.events().some(isIt));
      });
    });

    it('what decides nothing has no line', async () => {
      const alice = await client('profile');
      const session = await LegacySession.open({ url: system.mcpUrl, token: alice.token, version: '2025-11-25' });
      await assertSaid([], async () => {
        for (const method of ['tools/list', 'prompts/list', 'resources/list', 'server/discover', 'no/such']) await alice.call(method);
        await session.call('ping');
      });
      await session.end();
    });
  });

  describe('older clients', () => {
    for (const version of ['2025-11-25', '2025-06-18', '2025-03-26']) {
      it(`a session of ${version}`, async () => {
        const session = await LegacySession.open({ url: system.mcpUrl, token: await token('todo:read profile'), version });
        await assertSaid([
          { method: 'tools/call', name: 'list_todos', scopes_asked: 'todo:read', outcome: 'allowed' },
          { method: 'tools/call', name: 'delete_todo', scopes_asked: 'todo:delete', outcome: 'challenged', reason: 'insufficient_scope' },
          { method: 'resources/subscribe', name: 'test://watched-resource', outcome: 'allowed' },
        ], async () => {
          await session.call('tools/call', { name: 'list_todos', arguments: {} });
          await session.call('tools/call', { name: 'delete_todo', arguments: { id: secret() } });
          await session.call('resources/subscribe', { uri: 'test://watched-resource' });
        });
        await session.end();
      });
    }

    it('HTTP+SSE', async () => {
      const own = await token('todo:read', { resource: system.sseUrl });
      const abort = new AbortController();
      const headers = { Authorization: `Bearer ${own}` };
      const stream = await fetch(system.sseUrl, { headers: { ...headers, Accept: 'text/event-stream' }, signal: abort.signal });
      const events = eventsOf(stream);
      const { value: { data: path } } = await events.next();
      secret(new URL(path, system.origin).searchParams.get('sessionId'));
      const post = (message) =>
        fetch(new URL(path, system.origin), { method: 'POST', headers: { ...headers, 'Content-Type': 'application/json' }, body: JSON.stringify({ jsonrpc: '2.0', ...message }) });
      await post({ id: 0, method: 'initialize', params: { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 'e2e', version: '1' } } });
      await events.next();
      await post({ method: 'notifications/initialized' });
      await assertSaid([
        { method: 'tools/call', name: 'list_todos', scopes_asked: 'todo:read', outcome: 'allowed' },
        { method: 'tools/call', name: 'add_todo', scopes_asked: 'todo:write', outcome: 'challenged', reason: 'insufficient_scope' },
      ], async () => {
        await post({ id: 1, method: 'tools/call', params: { name: 'list_todos', arguments: {} } });
        await events.next();
        await post({ id: 2, method: 'tools/call', params: { name: 'add_todo', arguments: { title: secret() } } });
      });
      abort.abort();
    });

    it('a batch of 2025-03-26: a line for each that decides something', async () => {
      const session = await LegacySession.open({ url: system.mcpUrl, token: await token('todo:read'), version: '2025-03-26' });
      const call = (name, args = {}) => session.message('tools/call', { name, arguments: args });
      const { lines } = await saidBy(system, async () => {
        const response = await session.post([call('list_todos'), session.message('ping'), call('whoami'), call('no_such_tool')]);
        await response.text();
      });
      assert.deepEqual(lines.map(({ name, outcome, reason }) => [name, outcome, reason]).sort(), [
        ['list_todos', 'allowed', ''], ['no_such_tool', 'refused', 'invalid_params'], ['whoami', 'allowed', ''],
      ]);
      assert.equal(new Set(lines.map(({ request_id: id }) => id)).size, 1, 'one HTTP request');

      // Refused as a whole: a line for each that lacks something; nothing is run.
      const { result } = await assertSaid([
        { method: 'tools/call', name: 'add_todo', scopes_asked: 'todo:write', outcome: 'challenged', reason: 'insufficient_scope' },
        { method: 'tools/call', name: 'delete_todo', scopes_asked: 'todo:delete', outcome: 'challenged', reason: 'insufficient_scope' },
      ], () => session.post([call('list_todos'), call('add_todo', { title: secret() }), call('delete_todo', { id: '1' })]));
      assert.equal(result.status, 403);
      await session.end();
    });
  });

  describe('tokens', () => {
    const cases = [
      ['garbage', () => randomUUID(), 'INACTIVE'],
      ['expired', () => forger.signed({ iat: 1_600_000_000, exp: 1_600_000_600, aud: [system.mcpUrl, system.sseUrl] }), 'EXPIRED', ALICE],
      ['for somebody else', () => forger.signed({ aud: 'https://elsewhere.example/mcp' }), 'WRONG_AUDIENCE', ALICE],
      ['of another issuer', () => forger.signed({ iss: 'http://localhost:1/oidc' }), 'WRONG_ISSUER'],
      ['signed by a stranger', () => forger.signedByStranger(), 'BAD_SIGNATURE'],
    ];
    for (const [name, make, reason, owner] of cases) {
      it(`${name}: where, and why; ${owner ? 'and whose it is, as the signature is good' : 'who is not believed'}`, async () => {
        const bad = make();
        for (const part of bad.split('.')) secret(part);
        const who = owner ? { ...owner, issuer: system.issuer, scopes_held: 'unknown' } : { issuer: '', subject: '', client_id: '', scopes_held: '' };
        const wanted = { ...who, name: '', scopes_asked: '', outcome: 'refused', reason };
        await assertSaid([{ ...wanted, method: 'POST /mcp' }, { ...wanted, method: 'GET /sse' }], async () => {
          await callModern(system.mcpUrl, 'tools/call', { name: 'whoami', arguments: {} }, bad);
          await (await fetch(system.sseUrl, { headers: { Authorization: `Bearer ${bad}` } })).body?.cancel();
        });
      });
    }

    it('one that cannot be judged now has failed, by our fault', async () => {
      const bearer = secret(await system.token({ resource: null }));
      await system.fault({ path: '/oidc/me', kind: 'error' });
      await assertSaid([{ issuer: '', subject: '', client_id: '', method: 'POST /mcp', outcome: 'failed', reason: 'undecided' }],
        () => callModern(system.mcpUrl, 'tools/list', {}, bearer));
      await system.clearFaults();
    });

    it('no token, or none that could be one, is no decision: the access line tells', async () => {
      const { access } = await assertSaid([], async () => {
        await callModern(system.mcpUrl, 'tools/list', {});
        await callModern(system.mcpUrl, 'tools/list', {}, 'a,b"c');
      });
      assert.deepEqual([...access.values()].map(({ status, reason }) => [status, reason]).slice(0, 2),
        [[401, 'unauthorized'], [400, 'malformed_authorization']]);
    });
  });

  it('each line is counted by outcome and reason', async () => {
    const counted = await system.metrics(system.ports.edgeAdmin);
    const lines = system.edge.events().filter(({ event }) => event === 'audit');
    const sums = Map.groupBy(lines, ({ outcome, reason }) => `gatehouse_edge_decisions_total{outcome="${outcome}",reason="${reason}"}`);
    assert.ok(sums.size >= 10, [...sums.keys()].join());
    for (const [name, each] of sums) assert.equal(counted(name), each.length, name);
    assert.equal(counted('gatehouse_edge_decisions_total'), lines.length);
  });

  it('no argument, result, token or session id is in any line of the edge', () => {
    assert.ok(secrets.size > 30);
    for (const text of secrets) {
      if (text.length < 16) continue;
      assert.ok(!system.edge.lines.some((line) => line.includes(text)), text);
    }
  });

  describe('--audit_log', () => {
    const auditLines = ({ service }) => service.events().filter(({ event }) => event === 'audit');

    // Calls a tool at another edge than that of the system, twice, the second time without its scope.
    async function callAt({ port }, argument) {
      const alice = await token('todo:write');
      const url = `http://localhost:${port}/mcp`;
      assert.ok((await callModern(url, 'tools/call', { name: 'add_todo', arguments: { title: argument } }, alice)).body.result);
      assert.equal((await callModern(url, 'tools/call', { name: 'list_todos' }, alice)).status, 403);
    }

    it('is true by default, and does not depend on --log_severity', async () => {
      const edge = await system.addEdge('mcp_edge_quiet', ['--log_severity=error', principalKey(system)]);
      await callAt(edge, secret());
      const lines = await until('two lines', () => auditLines(edge).length >= 2 && auditLines(edge));
      for (const line of lines) assertDocumented(line);
      assert.deepEqual(lines.map(({ name, outcome }) => [name, outcome]), [['add_todo', 'allowed'], ['list_todos', 'challenged']]);
      assert.ok(!edge.service.events().some(({ event }) => event === 'request'), 'no access line');
    });

    it('=false: decisions are counted and not written', async () => {
      const edge = await system.addEdge('mcp_edge_unaudited', ['--audit_log=false', principalKey(system)]);
      await callAt(edge, secret());
      const counted = await system.metrics(edge.adminPort);
      assert.equal(counted('gatehouse_edge_decisions_total{outcome="allowed",reason=""}'), 1);
      assert.equal(counted('gatehouse_edge_decisions_total{outcome="challenged",reason="insufficient_scope"}'), 1);
      await until('the access lines', () => edge.service.events().filter(({ event, path }) => event === 'request' && path === '/mcp').length >= 2);
      assert.deepEqual(auditLines(edge), []);
    });

    it('--audit_arguments: what a tool is called with, too', async () => {
      const edge = await system.addEdge('mcp_edge_outspoken', ['--audit_arguments', principalKey(system)]);
      const title = `outspoken ${randomUUID()}`;
      await callAt(edge, title);
      const [line] = await until('the line', () => auditLines(edge).length > 0 && auditLines(edge));
      assert.equal(line.arguments, JSON.stringify({ title }));
      assert.ok(auditLines({ service: system.edge }).every((other) => ['', 'redacted'].includes(other.arguments)), 'unasked, none are');
    });

    it('knows no other value: exit code 2 and one line', () => {
      for (const value of ['arguments', 'full', '']) {
        const { status, stderr } = spawnSync(binary('mcp_edge'), [`--tools_config=${system.toolsFile}`, `--audit_log=${value}`], { encoding: 'utf8', timeout: 10_000 });
        assert.equal(status, 2, `${value}: ${stderr}`);
        assert.match(stderr.trimEnd(), /^[^\n]*audit_log[^\n]*$/, value);
      }
    });

    it('what other edges wrote has no secret either', () => {
      for (const name of ['mcp_edge_quiet', 'mcp_edge_unaudited']) {
        const { lines } = system.services.get(name);
        for (const text of secrets) if (text.length >= 16) assert.ok(!lines.some((line) => line.includes(text)), `${name}: ${text}`);
      }
    });
  });
});

describe('audit log of registrations', { timeout: 60_000 }, () => {
  // As the README of auth_service lists them.
  const REGISTRATION = ['outcome', 'reason', 'client_id', 'client_name', 'kind', 'redirect_hosts', 'client_address', 'request_id'];
  const INITIAL_TOKEN = secret();
  const CLIENT = {
    client_name: 'Helpful Agent',
    redirect_uris: ['https://agent.example.com/callback', 'https://other.example.com/callback'],
    token_endpoint_auth_method: 'client_secret_post',
    application_type: 'web',
  };
  let system;
  before(async () => {
    system = await System.start('audit_registration', {
      authFlags: (it) => [
        '--registration=logto', `--registration_resource_scope_ids=${seedScopeId(it.mcpUrl, 'todo:read')}`, '--registrations_per_hour=2',
        `--registration_token_file=${it.file('registration_token', `${INITIAL_TOKEN}\n`)}`, '--log_severity=error', ...it.credentialFlags('logto'),
      ],
      edgeFlags: ['--authorization_server_metadata=register'],
    });
  });
  after(() => system?.stop());

  // Registers, and returns `{status, body, line, access}`: the answer, and what auth_service and the edge say of it.
  async function register(metadata, { authorization = `Bearer ${INITIAL_TOKEN}`, body = JSON.stringify(metadata) } = {}) {
    const since = system.authService.lines.length;
    const { lines, access, result } = await saidBy(system, async () => {
      const headers = { 'Content-Type': 'application/json', ...(authorization && { Authorization: authorization }) };
      const response = await fetch(`${system.origin}/register`, { method: 'POST', headers, body });
      return { status: response.status, body: await response.json() };
    });
    assert.deepEqual(lines, [], 'the line is that of auth_service');
    const isAccess = ({ path }) => path === '/register';
    return { ...result, since, access: [...access.values()].find(isAccess) };
  }

  // That there is exactly this line of auth_service since then.
  async function assertRegistration(since, access, wanted) {
    const all = () => system.authService.events(since).filter(({ event }) => event === 'client_registration');
    await until('the line', () => all().length > 0);
    assert.equal(all().length, 1);
    const [line] = all();
    assert.deepEqual(Object.keys(line), [...LINE, ...REGISTRATION]);
    assert.deepEqual(pick(line, wanted), wanted);
    assert.equal(line.request_id, access.request_id);
    assert.equal(line.client_address, '127.0.0.1');
  }

  it('accepted: which client, for which hosts', async () => {
    const { status, body, since, access } = await register(CLIENT);
    assert.equal(status, 201, JSON.stringify(body));
    secret(body.client_secret);
    await assertRegistration(since, access, {
      outcome: 'registered', reason: '', client_id: body.client_id, client_name: 'Helpful Agent', redirect_hosts: 'agent.example.com other.example.com',
    });
  });

  it('refused, each with its reason', async () => {
    const cases = [
      [401, 'invalid_token', CLIENT, { authorization: `Bearer ${secret()}` }],
      [401, 'invalid_token', CLIENT, { authorization: null }],
      [400, 'invalid_redirect_uri', { ...CLIENT, redirect_uris: ['javascript:alert(1)'] }],
      [400, 'invalid_client_metadata', { ...CLIENT, token_endpoint_auth_method: 'tls_client_auth' }],
    ];
    for (const [wantedStatus, outcome, metadata, options] of cases) {
      const { status, body, since, access } = await register(metadata, options);
      assert.equal(status, wantedStatus, JSON.stringify(body));
      await assertRegistration(since, access, { outcome, client_id: '', reason: body.error_description });
    }
  });

  it('refused for there are too many', async () => {
    assert.equal((await register(CLIENT)).status, 201);
    const { status, since, access } = await register(CLIENT);
    assert.equal(status, 429);
    await assertRegistration(since, access, { outcome: 'rate_limited', client_id: '' });
  });

  it('refused for the body is no JSON', async () => {
    const { status, since, access } = await register(undefined, { body: `{"client_name":"${secret()}"` });
    assert.equal(status, 400);
    await assertRegistration(since, access, { outcome: 'invalid_client_metadata', client_name: '' });
  });

  it('a body that is too large goes no further than the edge, and has an access line alone', async () => {
    const { status, since, access } = await register({ ...CLIENT, client_uri: `https://a.example/${'x'.repeat(100_000)}` });
    assert.equal(status, 413);
    assert.deepEqual([access.status, access.reason], [413, 'body_too_large']);
    assert.deepEqual(system.authService.events(since).filter(({ event }) => event === 'client_registration'), []);
  });

  it('no secret and no initial access token is in any log', () => {
    for (const service of [system.edge, system.authService]) {
      for (const text of secrets) if (text.length >= 16) assert.ok(!service.lines.some((line) => line.includes(text)), `${service.name}: ${text}`);
    }
  });
});
