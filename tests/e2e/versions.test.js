// Every feature at every protocol version, with official clients: what each version has is served as that version has it,
// and what it has not is rendered down. Every message is validated against the schema of the version.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { LegacySession, ModernClient } from './lib/raw_mcp.js';
import { System, until } from './lib/system.js';
import { WAYS, connectBy, isModern } from './lib/ways.js';

const LOG_LEVEL = 'io.modelcontextprotocol/logLevel';

describe('features', { timeout: 180_000 }, () => {
  let system;
  before(async () => {
    system = await System.start('versions', { tools: ['conformance', 'whoami', 'trips'] });
  });
  after(() => system?.stop());

  for (const way of WAYS) {
    describe(way.name, () => {
      let client;
      let check;
      let close;
      const logged = [];
      before(async () => {
        ({ client, check, close } = await connectBy(way, system, {
          listeners: { 'notifications/message': ({ data }) => logged.push(data) },
        }));
      });

      it('lists the tools of all services in their order, and calls one of each', async () => {
        const names = (await client.listTools()).tools.map(({ name }) => name);
        assert.equal(names[0], 'test_simple_text');
        assert.deepEqual(names.filter((name) => ['whoami', 'plan_trip'].includes(name)), ['whoami', 'plan_trip']);
        const simple = await client.callTool({ name: 'test_simple_text', arguments: {} });
        assert.equal(simple.content[0].text, 'This is a simple text response for testing.');
        const whoami = await client.callTool({ name: 'whoami', arguments: {} });
        assert.equal(JSON.parse(whoami.content[0].text).username, 'alice');
      });

      it('has every kind of content that the version has', async () => {
        const types = async (name) => (await client.callTool({ name, arguments: {} })).content.map(({ type }) => type);
        assert.deepEqual(await types('test_multiple_content_types'), ['text', 'image', 'resource']);
        // Sound came with 2025-03-26; before, something else says that there was some.
        assert.deepEqual(await types('test_audio_content'), [way.version === '2024-11-05' ? 'text' : 'audio']);
      });

      it('gives structured content where the version has it, and the same as text everywhere', async () => {
        const result = await client.callTool({ name: 'plan_trip', arguments: { city: 'Oslo', days: 1 } });
        assert.match(result.content[0].text, /^Day 1: /);
        if (way.version >= '2025-06-18') assert.deepEqual(result.structuredContent, { city: 'Oslo', days: [result.content[0].text] });
        else assert.equal(result.structuredContent, undefined);
      });

      it('tells the model in a result what is wrong with its arguments', async () => {
        const result = await client.callTool({ name: 'plan_trip', arguments: { city: 'Oslo', days: 'two' } });
        assert.ok(result.isError);
        assert.match(result.content[0].text, /days/);
        const failed = await client.callTool({ name: 'test_error_handling', arguments: {} });
        assert.ok(failed.isError);
      });

      it('shows progress in order, before the result', async () => {
        const options = { onprogress: () => {} };
        const params = { name: 'plan_trip', arguments: { city: 'Oslo', days: 3 } };
        const messages = await check.during(() => (way.sdk === 1 ? client.callTool(params, undefined, options) : client.callTool(params, options)));
        const seen = messages.map((message) => (message.method ? [message.params.progress, message.params.total] : 'result'));
        assert.deepEqual(seen, [[1, 3], [2, 3], [3, 3], 'result']);
        const hasText = messages.slice(0, 3).every((message) => 'message' in message.params);
        assert.equal(hasText, way.version >= '2025-03-26', 'with words, where the version has them');
      });

      it('logs from the level on that was asked for, and nothing before', async () => {
        const log = (_meta) => client.callTool({ name: 'test_tool_with_logging', arguments: {}, ...(_meta && { _meta }) });
        if (!isModern(way)) await client.setLoggingLevel('error');
        await log();
        await sleep(100); // a client may pass messages on after the result
        assert.deepEqual(logged, []);
        if (!isModern(way)) await client.setLoggingLevel('debug');
        await log(isModern(way) ? { [LOG_LEVEL]: 'debug' } : undefined);
        await until('the messages', () => logged.length >= 3);
        assert.equal(logged.length, 3);
        assert.match(JSON.stringify(logged[0]), /Tool execution started/);
      });

      it('reads resources: text, bytes, by a template, of several services', async () => {
        const uris = (await client.listResources()).resources.map(({ uri }) => uri);
        assert.equal(uris[0], 'test://static-text');
        assert.ok(uris.includes('trips://cities'));
        const templates = (await client.listResourceTemplates()).resourceTemplates.map(({ uriTemplate }) => uriTemplate);
        assert.ok(templates.includes('test://template/{id}/data') && templates.includes('trips://cities/{city}'), `${templates}`);
        const read = async (uri) => (await client.readResource({ uri })).contents[0];
        assert.equal((await read('test://static-text')).text, 'This is the content of the static text resource.');
        assert.equal(Buffer.from((await read('test://static-binary')).blob, 'base64').subarray(1, 4).toString(), 'PNG');
        assert.equal(JSON.parse((await read('test://template/7/data')).text).id, '7');
        assert.match((await read('trips://cities/Oslo')).text, /Nordmarka/);
      });

      it('answers for a resource that there is not as the version has it', async () => {
        for (const uri of ['test://nothing-here', 'trips://cities/Atlantis', 'nobody://here']) {
          // On the wire: a client may give both codes one name.
          const messages = await check.during(() => assert.rejects(client.readResource({ uri })));
          assert.equal(messages.at(-1).error.code, isModern(way) ? -32602 : -32002);
          assert.equal(messages.at(-1).error.data.uri, uri);
        }
      });

      it('fills in prompts and completes their arguments', async () => {
        const names = (await client.listPrompts()).prompts.map(({ name }) => name);
        assert.ok(names.includes('test_simple_prompt'));
        const prompt = await client.getPrompt({ name: 'test_prompt_with_arguments', arguments: { arg1: 'one', arg2: 'two' } });
        assert.equal(prompt.messages[0].content.text, "Prompt with arguments: arg1='one', arg2='two'");
        const image = await client.getPrompt({ name: 'test_prompt_with_image', arguments: {} });
        assert.equal(image.messages[0].content.type, 'image');
        await assert.rejects(client.getPrompt({ name: 'test_prompt_with_arguments', arguments: { arg1: 'one' } }), ({ code }) => code === -32602);
        await assert.rejects(client.getPrompt({ name: 'no_such_prompt' }), ({ code }) => code === -32602);
        // In 2024-11-05 there is the method but no capability for it, so that clients do not offer it.
        if (way.version === '2024-11-05') return;
        const ref = { type: 'ref/prompt', name: 'test_prompt_with_arguments' };
        const { completion } = await client.complete({ ref, argument: { name: 'arg1', value: 'test' } });
        assert.ok(Array.isArray(completion.values));
      });

      it('declares what it serves, as the version has it', () => {
        const capabilities = client.getServerCapabilities();
        for (const name of ['tools', 'prompts', 'resources']) assert.ok(capabilities[name]?.listChanged, name);
        assert.equal('completions' in capabilities, way.version >= '2025-03-26');
        assert.equal('extensions' in capabilities, isModern(way));
      });

      it('sent nothing that its schema does not have', async () => {
        await close();
      });
    });
  }
});

describe('negotiation', { timeout: 120_000 }, () => {
  let system;
  let token;
  before(async () => {
    system = await System.start('negotiation', { tools: ['whoami', 'trips'] });
    token = await system.token();
  });
  after(() => system?.stop());

  for (const version of ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']) {
    it(`agrees to ${version} and keeps to it`, async () => {
      const session = await LegacySession.open({ url: system.mcpUrl, token, version });
      assert.equal(session.initializeResult.protocolVersion, version);
      const { result } = await session.call('tools/list');
      const tool = result.tools.find(({ name }) => name === 'plan_trip');
      assert.equal('title' in tool, version >= '2025-06-18');
      assert.equal('outputSchema' in tool, version >= '2025-06-18');
      assert.equal('annotations' in tool, version >= '2025-03-26');
      session.check.assertValid();
      await session.end();
    });
  }

  for (const version of ['2026-07-28', '1999-01-01', 'draft']) {
    it(`offers its newest version with sessions to a client that asks for ${version}`, async () => {
      const session = await LegacySession.open({ url: system.mcpUrl, token, version });
      assert.equal(session.initializeResult.protocolVersion, '2025-11-25');
      session.check.assertValid();
    });
  }

  it('tells a client of an unknown modern version which there are', async () => {
    const client = new ModernClient({ url: system.mcpUrl, token });
    const unknown = 'v999.0.0';
    const { status, error } = await client.call('server/discover', {}, {
      headers: { 'MCP-Protocol-Version': unknown },
      meta: { 'io.modelcontextprotocol/protocolVersion': unknown },
    });
    assert.equal(status, 400);
    assert.equal(error.code, -32022);
    assert.equal(error.data.requested, unknown);
    const { result } = await client.call('server/discover');
    assert.deepEqual(error.data.supported, result.supportedVersions);
  });

  it('refuses a version header that it does not know, in a session', async () => {
    const session = await LegacySession.open({ url: system.mcpUrl, token, version: '2025-06-18' });
    session.version = '2025-99-99';
    assert.equal((await session.post(session.message('ping'))).status, 400);
  });

  const batchOf = (session, ...methods) => methods.map((method) => session.message(method));

  it('answers a batch in 2025-03-26: a response for each request, none for notifications', async () => {
    const session = await LegacySession.open({ url: system.mcpUrl, token, version: '2025-03-26' });
    const batch = batchOf(session, 'ping', 'tools/list', 'no/such/method');
    const call = session.message('tools/call', { name: 'plan_trip', arguments: { city: 'Oslo', days: 2 }, _meta: { progressToken: 'p' } });
    const response = await session.post([...batch, call, { jsonrpc: '2.0', method: 'notifications/roots/list_changed' }]);
    assert.equal(response.status, 200);
    const text = await response.text();
    const isStream = response.headers.get('content-type').startsWith('text/event-stream');
    const messages = isStream ? text.split('\n').filter((line) => line.startsWith('data: ')).map((line) => JSON.parse(line.slice(6))) : JSON.parse(text);
    const responses = messages.flat().filter(({ id }) => id !== undefined);
    assert.deepEqual(responses.map(({ id }) => id).sort(), [...batch, call].map(({ id }) => id).sort());
    assert.equal(responses.find(({ id }) => id === batch[2].id).error.code, -32601);
    assert.match(responses.find(({ id }) => id === call.id).result.content[0].text, /Day 2/);

    const notifications = await session.post([{ jsonrpc: '2.0', method: 'notifications/roots/list_changed' }]);
    assert.equal(notifications.status, 202);
    assert.equal(await notifications.text(), '');
    session.check.assertValid();
  });

  it('refuses a batch that is empty, or that has initialize in it', async () => {
    const session = await LegacySession.open({ url: system.mcpUrl, token, version: '2025-03-26' });
    assert.equal((await session.post([])).status, 400);
    const params = { protocolVersion: '2025-03-26', capabilities: {}, clientInfo: { name: 'c', version: '1' } };
    const response = await session.post([session.message('initialize', params), session.message('ping')]);
    const answers = [await response.json()].flat();
    assert.ok(answers.some(({ error }) => error?.code === -32600), JSON.stringify(answers));
  });

  for (const version of ['2024-11-05', '2025-06-18', '2025-11-25']) {
    it(`refuses batches in ${version}`, async () => {
      const session = await LegacySession.open({ url: system.mcpUrl, token, version });
      const response = await session.post(batchOf(session, 'ping', 'ping'));
      assert.equal(response.status, 400);
      assert.equal((await response.json()).error.code, -32600);
    });
  }
});
