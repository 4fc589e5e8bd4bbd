// The tool services of examples/, in Python and Go, as several services behind one edge, called by official clients.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { FORMS, Signer } from './lib/assertions.js';
import { ROOT, System, TOOL_SERVICES, buildExample, outputDir, python, until } from './lib/system.js';
import { WAYS, connectBy } from './lib/ways.js';

const hasGo = buildExample('go');
const skip = hasGo ? false : 'there is no Go';

describe('tool services in other languages', { timeout: 120_000 }, () => {
  let system;
  before(async () => {
    system = await System.start('examples', { tools: ['whoami', 'trips', ...(hasGo ? ['kitchen'] : [])] });
  });
  after(() => system?.stop());

  for (const way of WAYS.filter(({ version }) => ['2026-07-28', '2025-11-25'].includes(version))) {
    describe(way.name, () => {
      let connection;
      const capabilities = { elicitation: {} };
      const handlers = { 'elicitation/create': ({ requestedSchema }) => ({
        action: 'accept',
        content: Object.fromEntries(Object.keys(requestedSchema.properties).map((name) => [name, 2])),
      }) };
      before(async () => {
        connection = await connectBy(way, system, { capabilities, handlers });
      });

      const call = (name, args) => {
        const { client } = connection;
        const [params, options] = [{ name, arguments: args }, { onprogress: () => {} }];
        return way.sdk === 1 ? client.callTool(params, undefined, options) : client.callTool(params, options);
      };

      // The progress that comes during a call, and its result.
      const callWatched = async (name, args) => {
        let result;
        const messages = await connection.check.during(async () => (result = await call(name, args)));
        return { result, progress: messages.filter(({ method }) => method).map(({ params }) => params.progress) };
      };

      it('are listed together, in the order of the tool services file', async () => {
        const names = (await connection.client.listTools()).tools.map(({ name }) => name);
        assert.deepEqual(names, ['whoami', 'plan_trip', 'book_trip', ...(hasGo ? ['bake', 'order_dish'] : [])]);
      });

      it('Python: progress, a structured result, a question, a resource', async () => {
        const { result, progress } = await callWatched('plan_trip', { city: 'Lisbon', days: 2 });
        assert.deepEqual(progress, [1, 2]);
        assert.equal(result.structuredContent.days.length, 2);
        assert.match((await call('book_trip', { city: 'Lisbon' })).content[0].text, /^Booked Lisbon for 2, 1200 euros/);
        const { contents } = await connection.client.readResource({ uri: 'trips://cities' });
        assert.deepEqual(JSON.parse(contents[0].text), ['Kyoto', 'Lisbon', 'Oslo']);
      });

      it('Go: progress, a structured result, a question, a resource', { skip }, async () => {
        const { result, progress } = await callWatched('bake', { dish: 'bread', minutes: 2 });
        assert.deepEqual(progress, [1, 2]);
        assert.deepEqual(result.structuredContent, { dish: 'bread', minutes: 2 });
        assert.match((await call('order_dish', { dish: 'bread' })).content[0].text, /^Ordered bread, 2 portions/);
        const { contents } = await connection.client.readResource({ uri: 'kitchen://menu' });
        assert.deepEqual(JSON.parse(contents[0].text), ['bread', 'pizza', 'pretzel']);
      });

      it('what goes wrong is told to the model', async () => {
        const result = await call('plan_trip', { city: 'Atlantis', days: 1 });
        assert.ok(result.isError);
        assert.match(result.content[0].text, /Kyoto, Lisbon, Oslo/);
      });

      it('sent nothing that its schema does not have', () => connection.close());
    });
  }

  it('Go: a cancelled call ends', { skip }, async () => {
    const { client, close } = await connectBy(WAYS[0], system);
    const kitchen = system.services.get('kitchen');
    const since = kitchen.lines.length;
    const abort = new AbortController();
    await new Promise((resolve) => {
      client.callTool({ name: 'bake', arguments: { dish: 'bread', minutes: 100 } }, { signal: abort.signal, onprogress: resolve }).catch(() => {});
    });
    abort.abort();
    await until('the tool hears of it', () => kitchen.events(since).some(({ event }) => event === 'call_cancelled'));
    await close();
  });

  for (const name of ['trips', ...(hasGo ? ['kitchen'] : [])]) {
    it(`${name} stops cleanly on SIGTERM, and comes back without the edge being told`, async () => {
      const service = system.services.get(name);
      assert.equal(await service.stop(), 0);
      assert.equal(service.events().at(-1).event, 'stopped');
      await service.start();
      const { client, close } = await connectBy(WAYS[0], system);
      const tool = name === 'trips' ? 'plan_trip' : 'bake';
      const args = name === 'trips' ? { city: 'Oslo', days: 1 } : { dish: 'bread', minutes: 1 };
      await until('it answers again', async () => {
        const result = await client.callTool({ name: tool, arguments: args }).catch(() => undefined);
        return result && !result.isError;
      });
      await close();
    });
  }
});

describe('who calls, in every form of examples/testdata/assertions.json', { timeout: 60_000 }, () => {
  const ISSUER = 'https://mcp.example.com/mcp';
  const signer = new Signer(ISSUER);
  let system;
  before(async () => {
    const keysFile = join(outputDir('examples_assertions'), 'jwks.json');
    writeFileSync(keysFile, signer.keySet);
    const believing = (name) => ({
      name,
      ...TOOL_SERVICES[name],
      command: (...args) => [...TOOL_SERVICES[name].command(...args), `--principal_keys=${keysFile}`, `--principal_issuer=${ISSUER}`],
    });
    system = await System.start('examples_assertions', { tools: ['whoami', 'trips', ...(hasGo ? ['kitchen'] : [])].map(believing) });
  });
  after(() => system?.stop());

  for (const [name, language, tool] of [['whoami', 'C++', 'whoami'], ['trips', 'Python', 'plan_trip'], ['kitchen', 'Go', 'bake']]) {
    it(`${language}: is judged as the list says`, { skip: name === 'kitchen' && skip }, () => {
      const principals = FORMS.map((form) => ({ issuer: 'x', subject: 'victim', assertion: signer.make(name, form) }));
      const { file, env } = python();
      const script = join(ROOT, 'tests', 'e2e', 'tool_services', 'call_directly.py');
      const { stdout } = spawnSync(file, [script, String(system.ports[name]), tool], {
        env: { ...process.env, ...env }, encoding: 'utf8', input: principals.map((one) => JSON.stringify(one)).join('\n'),
      });
      const codes = stdout.trim().split('\n').map((line) => JSON.parse(line).code);
      // What is believed reaches the tool, which may not like that there are no arguments.
      const judged = FORMS.map((form, index) => [form.name, codes[index] === 'UNAUTHENTICATED' ? 'refused' : form.believed ? 'believed' : codes[index]]);
      assert.deepEqual(judged, FORMS.map((form) => [form.name, form.believed ? 'believed' : 'refused']));
    });
  }
});
