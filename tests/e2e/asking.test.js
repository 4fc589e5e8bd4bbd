// Tools that ask the user, the model or for roots: the same tool, unchanged, for clients of every version. Where the
// version or the client has no such question, the model is told so.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { LegacySession, ModernClient, eventsOf } from './lib/raw_mcp.js';
import { System, buildExample } from './lib/system.js';
import { WAYS, connectBy, hasElicitation, isModern } from './lib/ways.js';

const hasGo = buildExample('go');

describe('asking', { timeout: 180_000 }, () => {
  let system;
  before(async () => {
    system = await System.start('asking', { tools: ['conformance', 'trips', ...(hasGo ? ['kitchen'] : [])] });
  });
  after(() => system?.stop());

  for (const way of WAYS) {
    describe(way.name, () => {
      // What the person at the client says, and what was asked.
      let answer;
      const asked = [];
      const handlers = {
        ...(hasElicitation(way) && {
          'elicitation/create': (params) => {
            asked.push(params);
            return answer;
          },
        }),
        'sampling/createMessage': ({ messages }) => {
          const text = `about ${[messages[0].content].flat()[0].text}`;
          return { role: 'assistant', model: 'test-model', content: { type: 'text', text } };
        },
        'roots/list': () => ({ roots: [{ uri: 'file:///home/alice', name: 'home' }] }),
      };
      let connection;
      const call = (name, args = {}) => connection.client.callTool({ name, arguments: args });
      const textOf = (result) => result.content.map(({ text }) => text).join('\n');
      before(async () => {
        const capabilities = { sampling: {}, roots: {}, ...(hasElicitation(way) && { elicitation: {} }) };
        connection = await connectBy(way, system, { capabilities, handlers });
      });

      if (hasElicitation(way)) {
        it('the user accepts, declines or cancels, and the tool in Python hears of it', async () => {
          answer = { action: 'accept', content: { travellers: 3 } };
          assert.equal(textOf(await call('book_trip', { city: 'Oslo' })), 'Booked Oslo for 3, 1200 euros.');
          assert.equal(asked.at(-1).message, 'A trip to Oslo costs 400 euros each. Who travels?');
          assert.deepEqual(Object.keys(asked.at(-1).requestedSchema.properties), ['travellers']);
          for (const action of ['decline', 'cancel']) {
            answer = { action };
            assert.match(textOf(await call('book_trip', { city: 'Oslo' })), /Nothing was booked/);
          }
        });

        it('so does the tool in Go', { skip: !hasGo && 'there is no Go' }, async () => {
          answer = { action: 'accept', content: { portions: 2 } };
          assert.equal(textOf(await call('order_dish', { dish: 'pizza' })), 'Ordered pizza, 2 portions.');
        });

        it('a tool may ask again with what it knows by then', async () => {
          answer = { action: 'accept', content: { name: 'Alice', color: 'green' } };
          const before = asked.length;
          const result = await call('test_input_required_result_multi_round');
          assert.ok(!result.isError, textOf(result));
          assert.equal(asked.length - before, 2);
        });

        it('a tool may ask for several things at once', async () => {
          answer = { action: 'accept', content: { name: 'Alice' } };
          const result = await call('test_input_required_result_multiple_inputs');
          assert.ok(!result.isError, textOf(result));
        });
      } else {
        it('the model is told that the user cannot be asked', async () => {
          const result = await call('book_trip', { city: 'Oslo' });
          assert.ok(result.isError);
          assert.match(textOf(result), /elicitation/);
        });
      }

      it('the model of the client is asked', async () => {
        assert.equal(textOf(await call('test_sampling', { prompt: 'fjords' })), 'LLM response: about fjords');
      });

      it('the roots of the client are asked for', async () => {
        const result = await call('test_input_required_result_list_roots');
        assert.ok(!result.isError, textOf(result));
      });

      it('sent nothing that its schema does not have', () => connection.close());

      it('asks nothing that the client did not declare', async () => {
        const plain = await connectBy(way, system);
        const request = plain.client.callTool({ name: 'test_sampling', arguments: { prompt: 'x' } });
        if (isModern(way)) {
          await assert.rejects(request, ({ code, message }) => code === -32021 || /-32021|400/.test(message));
        } else {
          const result = await request;
          assert.ok(result.isError);
          assert.match(textOf(result), /sampling/);
        }
        await plain.close();
      });
    });
  }

  it('an answer that does not fit what was asked never reaches the tool', async () => {
    const token = await system.token();
    const session = await LegacySession.open({ url: system.mcpUrl, token, version: '2025-11-25', capabilities: { elicitation: {} } });
    const response = await session.post(session.message('tools/call', { name: 'book_trip', arguments: { city: 'Oslo' } }));
    let last;
    let questions = 0;
    for await (const { data } of eventsOf(response)) {
      if (!data) continue;
      const message = JSON.parse(data);
      if (message.method !== 'elicitation/create') {
        last = message;
        continue;
      }
      if (++questions > 20) throw new Error('asked for ever');
      const result = { action: 'accept', content: { travellers: 'all of us' } };
      assert.equal((await session.post({ jsonrpc: '2.0', id: message.id, result })).status, 202);
    }
    assert.ok(last.error || last.result.isError, JSON.stringify(last));
    session.check.assertValid();
  });

  it('an answer to nothing, or of another session, is taken and dropped', async () => {
    const token = await system.token();
    const open = () => LegacySession.open({ url: system.mcpUrl, token, version: '2025-11-25', capabilities: { elicitation: {} } });
    const [session, other] = [await open(), await open()];
    const response = await session.post(session.message('tools/call', { name: 'book_trip', arguments: { city: 'Oslo' } }));
    let last;
    for await (const { data } of eventsOf(response)) {
      if (!data) continue;
      last = JSON.parse(data);
      if (last.method !== 'elicitation/create') continue;
      const answer = (travellers) => ({ jsonrpc: '2.0', id: last.id, result: { action: 'accept', content: { travellers } } });
      assert.equal((await other.post(answer(9))).status, 202);
      assert.equal((await session.post(answer(1))).status, 202);
      assert.equal((await session.post(answer(9))).status, 202);
    }
    assert.equal(last.result.content[0].text, 'Booked Oslo for 1, 400 euros.');
  });
});

describe('sealed state', { timeout: 60_000 }, () => {
  const capabilities = { elicitation: {} };
  const inputResponses = { booking: { action: 'accept', content: { travellers: 2 } } };
  let system;
  let alice;
  let requestState;
  before(async () => {
    system = await System.start('sealed_state', { tools: ['trips'] });
    alice = new ModernClient({ url: system.mcpUrl, token: await system.token(), capabilities });
    const result = await alice.tool('book_trip', { city: 'Oslo' });
    assert.equal(result.resultType, 'input_required');
    ({ requestState } = result);
  });
  after(async () => {
    alice?.check.assertValid();
    await system?.stop();
  });

  const retry = (client, args, more) => client.call('tools/call', { name: 'book_trip', arguments: args, inputResponses, ...more });

  it('is taken back from whom it was given to, for the same call, whatever the order of its arguments', async () => {
    const { result } = await retry(alice, { city: 'Oslo' }, { requestState });
    assert.equal(result.content[0].text, 'Booked Oslo for 2, 800 euros.');
  });

  it('shows nothing of what the tool put into it', () => {
    assert.ok(!requestState.includes('price'));
    assert.ok(!Buffer.from(requestState, 'base64url').includes('price'));
    assert.ok(!Buffer.from(requestState, 'base64').includes('price'));
  });

  it('is refused after any change', async () => {
    const flip = (index) => requestState.slice(0, index) + (requestState[index] === 'A' ? 'B' : 'A') + requestState.slice(index + 1);
    // The last character of a base64 text may hold bits that nobody reads.
    const indices = [0, 1, requestState.length >> 1, requestState.length - 3];
    const changed = [...indices.map(flip), `${requestState}A`, `${requestState}-TAMPERED`, requestState.slice(0, -4), '', 'x'];
    for (const state of changed) {
      const { status, error } = await retry(alice, { city: 'Oslo' }, { requestState: state });
      assert.equal(error?.code, -32602, state);
      assert.equal(status, 200);
    }
  });

  it('is refused when it is not a string', async () => {
    for (const state of [5, {}, [], true]) assert.equal((await retry(alice, { city: 'Oslo' }, { requestState: state })).error?.code, -32602);
  });

  it('is refused with other arguments or for another tool', async () => {
    assert.equal((await retry(alice, { city: 'Kyoto' }, { requestState })).error?.code, -32602);
    const { error } = await alice.call('tools/call', { name: 'plan_trip', arguments: { city: 'Oslo', days: 1 }, requestState });
    assert.equal(error?.code, -32602);
  });

  it('is refused from another user', async () => {
    const bob = new ModernClient({ url: system.mcpUrl, token: await system.token({ username: 'bob' }), capabilities });
    assert.equal((await retry(bob, { city: 'Oslo' }, { requestState })).error?.code, -32602);
    bob.check.assertValid();
  });

  it('is refused by an edge with other keys', async () => {
    const other = await System.start('sealed_state_other', { tools: ['trips'] });
    try {
      const client = new ModernClient({ url: other.mcpUrl, token: await other.token(), capabilities });
      assert.equal((await retry(client, { city: 'Oslo' }, { requestState })).error?.code, -32602);
    } finally {
      await other.stop();
    }
  });

  it('answers that are no objects are refused or asked for again', async () => {
    for (const wrong of [null, 5, [], { booking: 5 }, { booking: null }, { booking: 'yes' }]) {
      const { result, error } = await retry(alice, { city: 'Oslo' }, { inputResponses: wrong });
      assert.ok(error?.code === -32602 || result?.resultType === 'input_required', JSON.stringify({ wrong, result, error }));
    }
  });
});
