// Tool services that are broken or mean (tool_services/hostile.py) harm neither the edge nor other tools: each call ends
// in bounded time with something that its schema has, whoami goes on answering, and memory stays where it was.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { withBystander } from './lib/bystander.js';
import { callWhoami } from './lib/mcp.js';
import { LegacySession, ModernClient, eventsOf } from './lib/raw_mcp.js';
import { ROOT, System, assertWithin, python, until } from './lib/system.js';

// What the edge may hold for a while: bodies of 16 MiB in several forms, for a few calls at once.
const GROWTH_MIB = 400;

const hostile = (kind, tool) => ({
  name: `hostile-${kind.replaceAll('_', '-')}`,
  command: (port) => [python().file, join(ROOT, 'tests', 'e2e', 'tool_services', 'hostile.py'), String(port), kind],
  env: () => python().env,
  tool,
});

function residentMib(service) {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${service.pid}/status`, 'utf8'))[1]) / 1024;
}

describe('hostile calls', { timeout: 240_000 }, () => {
  let system;
  let client;
  let startMib;
  before(async () => {
    system = await System.start('hostile_calls', {
      tools: ['whoami', hostile('calls', 'hostile_hangs')],
      edgeFlags: ['--tool_timeout=3s', '--max_tool_timeout=3s'],
    });
    client = new ModernClient({ url: system.mcpUrl, token: await system.token(), capabilities: { roots: {}, elicitation: {}, sampling: {} } });
    await callWhoami(system, client.token);
    startMib = residentMib(system.edge);
  });
  after(async () => {
    await system?.stop();
  });

  // Does `work` while somebody else calls whoami, each of whose calls must be answered, and quickly: if one is not, whatever
  // else keeps the machine busy may be to blame, and `work` is done again.
  async function whileOthersAreServed(work) {
    let last;
    const measure = async () => {
      const { value, slowestMs, bad } = await withBystander({ mcpUrl: system.mcpUrl, token: client.token }, work);
      assert.equal(bad, undefined);
      assert.ok(system.edge.isRunning);
      last = value;
      return slowestMs;
    };
    await assertWithin(2000, measure, 'whoami answers');
    return last;
  }

  const modern = (name) => client.call('tools/call', { name: `hostile_${name}`, arguments: {} }, { meta: { progressToken: 'p', 'io.modelcontextprotocol/logLevel': 'debug' } });
  const failed = ({ error, result }) => error !== undefined || result?.isError === true;

  // What a model may be told of each: `fails`, or the outcome `ends` well; `any` where either will do.
  const CASES = {
    endless_progress: 'fails', endless_logs: 'fails', endless_questions: 'any', huge_text: 'any', too_huge: 'fails', huge_structured: 'any',
    deep_structured: 'fails', invalid_utf8: 'fails', bad_structured: 'fails', bad_meta: 'any', bad_log: 'ends', bad_level: 'any',
    falling_progress: 'ends', garbage: 'fails', empty_event: 'any', nothing: 'fails', two_results: 'any', event_after_result: 'any',
    never_ends: 'any', hangs: 'fails', unknown_question: 'fails', bad_question: 'fails', no_question: 'any', huge_state: 'any',
    many_questions: 'any', task_where_none: 'ends', close_again_and_again: 'ends', secret_status: 'fails',
  };

  for (const [name, wanted] of Object.entries(CASES)) {
    it(`${name}: ${{ fails: 'fails', ends: 'ends well', any: 'ends' }[wanted]}, in bounded time, and others are served`, async () => {
      const outcome = await whileOthersAreServed(async () => {
        const beganMs = performance.now();
        const ended = await modern(name);
        assert.ok(performance.now() - beganMs < 15_000);
        return ended;
      });
      assert.ok(outcome.result || outcome.error, JSON.stringify(outcome).slice(0, 300));
      if (wanted !== 'any') assert.equal(failed(outcome), wanted === 'fails', JSON.stringify(outcome).slice(0, 500));
      assert.ok(!JSON.stringify(outcome).includes('hunter2'), 'what went wrong inside is not told');
      const progress = outcome.messages.filter(({ method }) => method === 'notifications/progress').map(({ params }) => params.progress);
      for (let index = 1; index < progress.length; ++index) assert.ok(progress[index] > progress[index - 1], 'progress grows');
    });
  }

  it('in a session: questions without end come to an end', async () => {
    const session = await LegacySession.open({ url: system.mcpUrl, token: client.token, version: '2025-11-25', capabilities: { roots: {}, elicitation: {} } });
    let questions = 0;
    let last;
    await whileOthersAreServed(async () => {
      questions = 0;
      const response = await session.post(session.message('tools/call', { name: 'hostile_endless_questions', arguments: {} }));
      for await (const { data } of eventsOf(response)) {
        if (!data) continue;
        last = JSON.parse(data);
        if (last.method !== 'roots/list') continue;
        ++questions;
        await (await session.post({ jsonrpc: '2.0', id: last.id, result: { roots: [] } })).text();
      }
    });
    assert.ok(questions > 0 && questions <= 100, `${questions} questions`);
    assert.ok(failed(last), JSON.stringify(last));
    session.check.assertValid();
  });

  it('resources that are not what was asked for do no harm', async () => {
    for (const name of ['other_uri', 'huge', 'none', 'garbage']) {
      const { result, error } = await whileOthersAreServed(() => client.call('resources/read', { uri: `hostile://${name}` }));
      assert.ok(result || error, name);
      if (name !== 'other_uri') assert.ok(error, name);
    }
  });

  it('fifty of them at once leave places for others', async () => {
    const names = Object.keys(CASES).filter((name) => !name.includes('huge') && !name.includes('endless'));
    await whileOthersAreServed(() => Promise.all(Array.from({ length: 50 }, (_, index) => modern(names[index % names.length]))));
  });

  it('everything that was sent is as the schema has it', () => client.check.assertValid());

  it('the edge holds on to no memory, and names what it refused', () => {
    const grownMib = residentMib(system.edge) - startMib;
    assert.ok(grownMib < GROWTH_MIB, `${grownMib.toFixed(0)} MiB more than before`);
    const log = system.edge.lines.join('\n');
    assert.ok(log.includes('hostile-calls'), 'the service is named');
    assert.ok(!log.includes('xxxxxxxxxxxxxxxx'), 'contents are not logged');
  });
});

describe('hostile catalogues', { timeout: 240_000 }, () => {
  // The kind, and whether its good tool can be listed: a catalogue that cannot be read at all has none.
  const KINDS = {
    bad_names: true, bad_schemas: true, bombs: true, many_tools: undefined, duplicates: true, taken_name: true, garbage: false, too_large: false,
    invalid_utf8: undefined, flood: true,
  };

  for (const [kind, isListed] of Object.entries(KINDS)) {
    it(`${kind}: the tools of others stay, and calls are quick`, async () => {
      const system = await System.start(`hostile_${kind}`, { tools: ['whoami', hostile(kind, isListed ? `good_${kind}` : undefined)] });
      try {
        const client = new ModernClient({ url: system.mcpUrl, token: await system.token() });
        const tools = [];
        for (let cursor, pages = 0; ; ) {
          if (++pages > 200) throw new Error('pages without end');
          const { result } = await client.call('tools/list', cursor ? { cursor } : {});
          tools.push(...result.tools);
          if (!result.nextCursor) break;
          cursor = result.nextCursor;
        }
        const names = tools.map(({ name }) => name);
        assert.equal(new Set(names).size, names.length, 'each name once');
        const whoami = tools.find(({ name }) => name === 'whoami');
        assert.ok(whoami && !whoami.description.includes('impostor'));
        for (const name of ['no_json', 'no_object', 'a_list', 'deep', 'large', 'remote', 'bad_header', '', 'a b']) assert.ok(!names.includes(name), name);
        const tookMs = [];
        for (let count = 0; count < 20; ++count) {
          const beganMs = performance.now();
          assert.equal((await callWhoami(system, client.token)).status, 200);
          tookMs.push(performance.now() - beganMs);
        }
        assert.ok(tookMs.sort((a, b) => a - b)[10] < 1000, `whoami took ${tookMs.map(Math.round)} ms`);
        const timeOf = (name, argument) => async () => {
          const beganMs = performance.now();
          await client.call('tools/call', { name, arguments: { a: argument } });
          return performance.now() - beganMs;
        };
        if (names.includes('backtracking'))
          await assertWithin(2000, timeOf('backtracking', `${'a'.repeat(50_000)}!`), 'a pattern is matched in linear time');
        for (const name of ['doubling', 'circular'].filter((bomb) => names.includes(bomb)))
          await assertWithin(2000, timeOf(name, 'x'), `${name} is checked within bounds`);
        client.check.assertValid();
        assert.ok(system.edge.isRunning);
      } finally {
        await system.stop();
      }
    });
  }

  it('the author is told why a tool was refused', async () => {
    const system = await System.start('hostile_reasons', { tools: ['whoami', hostile('bad_schemas', 'good_bad_schemas')] });
    try {
      const events = await until('the reasons', () => {
        const refused = system.edge.events().filter(({ event }) => event === 'tool_refused');
        return refused.length >= 7 && refused;
      });
      assert.ok(events.every((event) => Object.values(event).some((value) => /hostile-bad-schemas/.test(value))));
    } finally {
      await system.stop();
    }
  });
});
