// Scopes per tool: official clients that ask for more when they are told what is missing (step-up), hierarchy, overrides,
// hiding, and streams that end with the token.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';

import { callModern, modernRequest } from './lib/mcp.js';
import { OAuthPerson, browserless } from './lib/oauth_person.js';
import { connectV1Http, connectV2 } from './lib/official_clients.js';
import { LegacySession, ModernClient, eventsOf } from './lib/raw_mcp.js';
import { System, TOOL_SERVICES, assertWithin, until } from './lib/system.js';

const TOOLS = ['whoami', 'todo'];
const ALL_TOOLS = ['add_todo', 'complete_todo', 'delete_todo', 'list_todos', 'whoami'];

// The content of a tool services file. `implied`: of implied_scopes; `todo`: more of the entry of todo.
function toolServices({ implied = '', todo = '' } = {}) {
  return (ports) => `tool_services:
  - name: whoami
    target: dns:///localhost:${ports.whoami}
  - name: todo
    target: dns:///localhost:${ports.todo}
${todo}${implied}`;
}

const IMPLIED = 'implied_scopes:\n  todo:write: [todo:read]\n';

const call = (system, name, args, token) => callModern(system.mcpUrl, 'tools/call', { name, arguments: args }, token);

// The parameters of a Bearer challenge.
function challengeOf(headers) {
  const text = headers.get('www-authenticate');
  assert.ok(text?.startsWith('Bearer '), text);
  return Object.fromEntries(
    [...text.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name, value]),
  );
}

async function assertLacksScope(answer, scopes, system) {
  assert.equal(answer.status, 403, JSON.stringify(answer.body));
  const challenge = challengeOf(answer.headers);
  assert.equal(challenge.error, 'insufficient_scope');
  assert.deepEqual(challenge.scope.split(' ').sort(), [...scopes].sort());
  assert.equal(challenge.resource_metadata, `${system.origin}/.well-known/oauth-protected-resource/mcp`);
  assert.ok(answer.headers.get('content-type')?.startsWith('application/json') ?? true, 'no stream has begun');
}

async function toolNames(system, token) {
  const { body } = await callModern(system.mcpUrl, 'tools/list', {}, token);
  return { names: body.result.tools.map(({ name }) => name).sort(), cacheScope: body.result.cacheScope };
}

describe('scopes per tool', { timeout: 120_000 }, () => {
  let system;
  before(async () => {
    system = await System.start('scopes', {
      tools: TOOLS,
      toolServices: toolServices({ implied: IMPLIED }),
      providerFlags: ['--custom_claims=false'],
      edgeFlags: ['--verdict_ttl=0s'],
    });
  });
  after(() => system?.stop());

  const token = (scope, options) => system.token({ scope: `openid ${scope}`, ...options });

  describe('an official client asks for more by itself', () => {
    const CLIENTS = [
      {
        name: '@modelcontextprotocol/client, 2026-07-28',
        connect: (options) => connectV2({ mode: '2026-07-28', ...options }),
        codeOf: (callback) => callback,
      },
      {
        name: '@modelcontextprotocol/client, legacy',
        connect: (options) => connectV2({ mode: 'legacy', ...options }),
        codeOf: (callback) => callback,
      },
      { name: '@modelcontextprotocol/sdk', connect: connectV1Http, codeOf: (callback) => callback.get('code') },
    ];

    // Calls a tool; if the client has sent the person to the provider, finishes that and calls again.
    async function callSteppingUp({ client, transport }, person, codeOf, name, args) {
      const before = person.authorizationUrl;
      try {
        return { result: await client.callTool({ name, arguments: args }), asked: false };
      } catch (error) {
        if (person.authorizationUrl === before) throw error;
      }
      await transport.finishAuth(codeOf(person.callback));
      return { result: await client.callTool({ name, arguments: args }), asked: true };
    }

    for (const { name, connect, codeOf } of CLIENTS) {
      it(name, async () => {
        const person = new OAuthPerson();
        const connection = await connect({ url: system.mcpUrl, person });
        const asked = () => person.authorizationUrl.searchParams.get('scope').split(' ');
        assert.ok(!asked().some((scope) => scope.startsWith('todo:')), 'nothing but the basics at first');
        assert.ok((await connection.client.callTool({ name: 'whoami', arguments: {} })).structuredContent.sub);

        const added = await callSteppingUp(connection, person, codeOf, 'add_todo', { title: `Buy milk for ${name}` });
        assert.ok(added.asked);
        assert.ok(asked().includes('todo:write'), asked().join());
        assert.ok(!asked().includes('todo:delete'), 'no more than was needed');
        const { id } = added.result.structuredContent.todo;

        // todo:write implies todo:read, so the list needs no further question.
        const listed = await callSteppingUp(connection, person, codeOf, 'list_todos', {});
        assert.ok(!listed.asked);
        assert.ok(listed.result.structuredContent.todos.some((todo) => todo.id === id));

        const deleted = await callSteppingUp(connection, person, codeOf, 'delete_todo', { id });
        assert.ok(deleted.asked);
        assert.ok(asked().includes('todo:delete') && asked().includes('todo:write'), 'what was granted is kept');
        assert.equal(deleted.result.structuredContent.deleted_id, id);
        await connection.client.close();
      });
    }

    it('and gives up when the user may not have it', async () => {
      const person = new OAuthPerson({ visit: browserless({ username: 'bob' }) });
      const connection = await connectV2({ url: system.mcpUrl, person, mode: '2026-07-28' });
      await assert.rejects(callSteppingUp(connection, person, (callback) => callback, 'add_todo', { title: 'x' }));
      await connection.client.close();
    });

    it('and gets nothing when the user refuses', async () => {
      const person = new OAuthPerson({
        visit: (url) => browserless(url.searchParams.get('scope').includes('todo:') ? { grant: [] } : {})(url),
      });
      const connection = await connectV2({ url: system.mcpUrl, person, mode: '2026-07-28' });
      await assert.rejects(
        callSteppingUp(connection, person, (callback) => callback, 'add_todo', { title: 'x' }),
        /refused/,
      );
      await connection.client.close();
    });
  });

  it('a call without the scope: 403 with all that is needed, beside what the token has', async () => {
    await assertLacksScope(await call(system, 'add_todo', { title: 'x' }, await token('')), ['todo:write'], system);
    await assertLacksScope(
      await call(system, 'delete_todo', { id: 1 }, await token('todo:read')),
      ['todo:delete', 'todo:read'],
      system,
    );
  });

  it('in every older version too, before a stream begins', async () => {
    for (const version of ['2025-03-26', '2025-06-18', '2025-11-25']) {
      const session = await LegacySession.open({ url: system.mcpUrl, token: await token('todo:read'), version });
      const response = await session.post(
        session.message('tools/call', { name: 'add_todo', arguments: { title: 'x' } }),
      );
      assert.equal(response.status, 403, version);
      assert.equal(challengeOf(response.headers).error, 'insufficient_scope');
      await response.body?.cancel();
      assert.equal((await session.call('tools/call', { name: 'list_todos', arguments: {} })).status, 200);
      await session.end();
    }
  });

  it('a broader scope implies a narrower one, and not the other way round', async () => {
    assert.equal((await call(system, 'list_todos', {}, await token('todo:write'))).status, 200);
    await assertLacksScope(
      await call(system, 'add_todo', { title: 'x' }, await token('todo:read')),
      ['todo:read', 'todo:write'],
      system,
    );
    await assertLacksScope(
      await call(system, 'list_todos', {}, await token('todo:delete')),
      ['todo:delete', 'todo:read'],
      system,
    );
  });

  it('an opaque token that userinfo alone has checked says nothing of scopes: never enough', async () => {
    const { status, headers } = await call(system, 'list_todos', {}, await system.token({ resource: null }));
    assert.equal(status, 403);
    assert.equal(challengeOf(headers).error, 'insufficient_scope');
  });

  it("lists of users are apart, by their tokens' subjects", async () => {
    const title = 'only for alice';
    await call(system, 'add_todo', { title }, await token('todo:write'));
    const { body } = await call(system, 'list_todos', {}, await token('todo:read', { username: 'bob' }));
    assert.deepEqual(body.result.structuredContent.todos, []);
  });

  it('all tools are shown, whatever the scopes', async () => {
    assert.deepEqual((await toolNames(system, await token(''))).names, ALL_TOOLS);
  });

  it('an operator overrides what a service declares, without a restart', async () => {
    const original = toolServices({ implied: IMPLIED })(system.ports);
    const todo = `    required_scopes:
      tools:
        list_todos: []
        add_todo: [[todo:read, todo:delete], [todo:write]]
`;
    const [none, read, two] = [await token(''), await token('todo:read'), await token('todo:read todo:delete')];
    assert.equal((await call(system, 'list_todos', {}, none)).status, 403);
    writeFileSync(system.toolsFile, toolServices({ implied: IMPLIED, todo })(system.ports));
    await until('the override is there', async () => (await call(system, 'list_todos', {}, none)).status === 200, {
      timeoutMs: 15_000,
    });
    assert.equal((await call(system, 'add_todo', { title: 'x' }, read)).status, 403);
    assert.equal((await call(system, 'add_todo', { title: 'x' }, two)).status, 200);
    assert.equal(
      (await call(system, 'delete_todo', { id: 1 }, read)).status,
      403,
      'what is not named stays as declared',
    );
    writeFileSync(system.toolsFile, original);
    await until('the override is gone', async () => (await call(system, 'list_todos', {}, none)).status === 403, {
      timeoutMs: 15_000,
    });
  });
});

describe('--tools_without_scope=hide, opaque tokens by introspection', { timeout: 60_000 }, () => {
  let system;
  before(async () => {
    system = await System.start('scopes_hidden', {
      tools: ['whoami', { ...TOOL_SERVICES.todo, name: 'todo', tool: undefined }], // hidden from the token that start() looks with
      toolServices: toolServices({ implied: IMPLIED }),
      authFlags: (it) => ['--opaque_tokens=introspection', ...it.credentialFlags('introspection')],
      edgeFlags: ['--tools_without_scope=hide'],
    });
    const all = await system.token({ scope: 'openid todo:write todo:delete' });
    await until('todo is in the catalogue', async () => (await toolNames(system, all)).names.includes('list_todos'));
  });
  after(() => system?.stop());

  it('shows what the caller may use, in a list for nobody else', async () => {
    const shown = async (options) => toolNames(system, await system.token(options));
    assert.deepEqual((await shown({ scope: 'openid' })).names, ['whoami']);
    assert.deepEqual((await shown({ scope: 'openid todo:read' })).names, ['list_todos', 'whoami']);
    assert.deepEqual((await shown({ scope: 'openid todo:write' })).names, [
      'add_todo',
      'complete_todo',
      'list_todos',
      'whoami',
    ]);
    const all = await shown({ scope: 'openid todo:write todo:delete' });
    assert.deepEqual(all.names, ALL_TOOLS);
    assert.equal(all.cacheScope, 'private');
  });

  it('what is hidden and called anyway gets the challenge that lets the client ask for it', async () => {
    const answer = await call(system, 'delete_todo', { id: 1 }, await system.token({ scope: 'openid todo:read' }));
    await assertLacksScope(answer, ['todo:delete', 'todo:read'], system);
  });

  it('introspection knows the scopes of an opaque token', async () => {
    const opaque = await system.token({ resource: null });
    assert.deepEqual((await toolNames(system, opaque)).names, ['whoami']);
    await assertLacksScope(
      await call(system, 'list_todos', {}, opaque),
      ['email', 'openid', 'profile', 'todo:read'],
      system,
    );
  });
});

describe('a stream ends when its token does', { timeout: 60_000 }, () => {
  const TTL_MS = 4000;
  let system;
  before(async () => {
    system = await System.start('scopes_streams', {
      tools: ['whoami', 'conformance'],
      authFlags: ['--clock_skew=0s'],
    });
    for (const { id } of await system.manage('GET', '/resources'))
      await system.manage('PATCH', `/resources/${id}`, { accessTokenTtl: TTL_MS / 1000 });
  });
  after(() => system?.stop());

  // Reads a body to its end and says how many ms after that of `token` that came, and what was read.
  async function readToEnd(response, token) {
    const events = [];
    for await (const event of eventsOf(response)) events.push(event);
    const { exp } = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
    const lateMs = Date.now() - exp * 1000;
    assert.ok(lateMs > -200, `a stream ended ${-lateMs} ms before its token`);
    return { lateMs, events };
  }

  // Opens one stream of each kind, and says how many ms after the end of its token the last of them ended.
  async function endTogether() {
    const [token, sseToken] = [await system.token(), await system.token({ resource: system.sseUrl })];

    const session = await LegacySession.open({ url: system.mcpUrl, token, version: '2025-11-25' });
    const stream = await session.stream();
    assert.equal(stream.status, 200);

    const sse = await fetch(system.sseUrl, {
      headers: { Authorization: `Bearer ${sseToken}`, Accept: 'text/event-stream' },
    });
    assert.equal(sse.status, 200);

    const modern = new ModernClient({ url: system.mcpUrl, token });
    const listening = await modern.send('subscriptions/listen', { notifications: { toolsListChanged: true } });
    assert.equal(listening.status, 200);

    const [ofSession, ofSse, ofListen] = await Promise.all([
      readToEnd(stream, token),
      readToEnd(sse, sseToken),
      readToEnd(listening, token),
    ]);
    const last = JSON.parse(ofListen.events.filter(({ data }) => data).at(-1).data);
    assert.ok('result' in last, `listen ends with its result, not ${JSON.stringify(last)}`);

    assert.equal(
      (await fetch(system.mcpUrl, { method: 'POST', ...modernRequest('tools/list', {}, token) })).status,
      401,
    );
    session.token = await system.token();
    assert.equal(
      (await session.call('tools/list')).status,
      200,
      'the session goes on with a new token of the same user',
    );
    await session.end();
    return Math.max(ofSession.lateMs, ofSse.lateMs, ofListen.lateMs);
  }

  it('GET of a session, HTTP+SSE and subscriptions/listen; and a new token goes on', () =>
    assertWithin(1500, endTogether, 'the streams end after their tokens'));
});
