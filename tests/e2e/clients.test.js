// The official MCP clients against the real system: each finds its way from our 401 to the claims of whoami by itself.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';

import { OAuthPerson, browserless, holderOf } from './lib/oauth_person.js';
import { connectV1Http, connectV1Sse, connectV2 } from './lib/official_clients.js';
import { ROOT, System } from './lib/system.js';

const run = promisify(execFile);

// How each client connects, and the protocol version that must come out.
const CLIENTS = [
  {
    name: '@modelcontextprotocol/client, auto',
    connect: (system, options) => connectV2({ url: system.mcpUrl, mode: 'auto', ...options }),
    version: ({ client }) => client.getNegotiatedProtocolVersion(),
    expectedVersion: '2026-07-28',
  },
  {
    name: '@modelcontextprotocol/client, pinned to 2026-07-28',
    connect: (system, options) => connectV2({ url: system.mcpUrl, mode: '2026-07-28', ...options }),
    version: ({ client }) => client.getNegotiatedProtocolVersion(),
    expectedVersion: '2026-07-28',
  },
  {
    name: '@modelcontextprotocol/client, legacy',
    connect: (system, options) => connectV2({ url: system.mcpUrl, mode: 'legacy', ...options }),
    version: ({ client }) => client.getNegotiatedProtocolVersion(),
    expectedVersion: '2025-11-25',
  },
  {
    name: '@modelcontextprotocol/sdk, Streamable HTTP',
    connect: (system, options) => connectV1Http({ url: system.mcpUrl, ...options }),
    version: ({ transport }) => transport.protocolVersion,
    expectedVersion: '2025-11-25',
  },
  {
    name: '@modelcontextprotocol/sdk, HTTP+SSE',
    connect: (system, options) => connectV1Sse({ url: system.sseUrl, ...options }),
    isSse: true,
  },
];

describe('official clients', { timeout: 120_000 }, () => {
  let system;
  before(async () => {
    system = await System.start('clients');
  });
  after(() => system?.stop());

  for (const { name, connect, version, expectedVersion, isSse } of CLIENTS) {
    describe(name, () => {
      const resource = () => (isSse ? system.sseUrl : system.mcpUrl);

      it('goes from the 401 through discovery, sign-in and token to the claims', async () => {
        const seen = [];
        const person = new OAuthPerson();
        const connection = await connect(system, {
          person,
          fetch: async (input, init) => {
            const response = await fetch(input, init);
            seen.push({ url: String(input.url ?? input), status: response.status, headers: response.headers });
            return response;
          },
        });
        const { client } = connection;

        assert.equal(seen[0].url, resource());
        assert.equal(seen[0].status, 401);
        const metadataUrl = `${system.origin}/.well-known/oauth-protected-resource${new URL(resource()).pathname}`;
        const challenge = seen[0].headers.get('www-authenticate');
        assert.ok(challenge.includes(`resource_metadata="${metadataUrl}"`), challenge);
        assert.ok(seen.some(({ url, status }) => url === metadataUrl && status === 200), 'read our metadata');
        assert.equal(person.authorizationUrl.searchParams.get('resource'), resource());
        // The newer client adds offline_access, because the provider offers it.
        assert.match(person.authorizationUrl.searchParams.get('scope'), /^openid profile email( offline_access)?$/);
        assert.equal(person.authorizationUrl.searchParams.get('code_challenge_method'), 'S256');
        if (expectedVersion) assert.equal(version(connection), expectedVersion);

        const { tools } = await client.listTools();
        const tool = tools.find((candidate) => candidate.name === 'whoami');
        assert.equal(tool.annotations?.readOnlyHint, true);
        assert.equal(tool.outputSchema?.type, 'object');

        const result = await client.callTool({ name: 'whoami', arguments: {} });
        assert.ok(!result.isError);
        const claims = JSON.parse(result.content[0].text);
        assert.deepEqual(result.structuredContent, claims);
        assert.equal(claims.aud, resource());
        assert.equal(claims.iss, system.issuer);
        assert.equal(claims.username, 'alice');
        assert.equal(claims.name, 'Alice Example');
        assert.equal(claims.email, 'alice@example.com');
        await client.close();
      });

      it('shows only what the user agreed to share', async () => {
        const person = new OAuthPerson({ visit: browserless({ username: 'bob', grant: ['profile'] }) });
        const { client } = await connect(system, { person });
        const result = await client.callTool({ name: 'whoami', arguments: {} });
        const claims = JSON.parse(result.content[0].text);
        assert.equal(claims.username, 'bob');
        assert.ok(!('email' in claims));
        await client.close();
      });

      it('works with an opaque token, and shows the userinfo answer as it is', async () => {
        const token = await system.token({ resource: null });
        const { client } = await connect(system, { person: holderOf(token) });
        const result = await client.callTool({ name: 'whoami', arguments: {} });
        const userinfo = await fetch(`${system.issuer}/me`, { headers: { authorization: `Bearer ${token}` } });
        const claims = await userinfo.json();
        assert.equal(result.content[0].text, JSON.stringify(claims));
        assert.deepEqual(result.structuredContent, claims);
        assert.equal(claims.picture, null);
        await client.close();
      });

      it('gets no token when the user refuses', async () => {
        const person = new OAuthPerson({ visit: browserless({ grant: [] }) });
        await assert.rejects(connect(system, { person }), /access_denied/);
        assert.equal(person.tokens(), undefined);
      });
    });
  }

  it('keeps two people apart on the same edge', async () => {
    const names = ['alice', 'bob', 'alice', 'bob'];
    const connections = await Promise.all(
      names.map((username) =>
        connectV2({ url: system.mcpUrl, person: new OAuthPerson({ visit: browserless({ username }) }), mode: 'legacy' }),
      ),
    );
    for (let round = 0; round < 5; ++round) {
      const results = await Promise.all(connections.map(({ client }) => client.callTool({ name: 'whoami', arguments: {} })));
      assert.deepEqual(results.map((result) => JSON.parse(result.content[0].text).username), names);
    }
    await Promise.all(connections.map(({ client }) => client.close()));
  });

  it('lists tools and calls them from many clients at once', async () => {
    const token = await system.token();
    const calls = Array.from({ length: 25 }, async () => {
      const { client } = await connectV2({ url: system.mcpUrl, person: holderOf(token) });
      assert.equal((await client.listTools()).tools.length, 1);
      const result = await client.callTool({ name: 'whoami', arguments: {} });
      await client.close();
      return JSON.parse(result.content[0].text).username;
    });
    assert.deepEqual(new Set(await Promise.all(calls)), new Set(['alice']));
  });

  it('is what the whoami tool for the command line does', async () => {
    const tool = join(ROOT, 'tests', 'e2e', 'bin', 'whoami.js');
    const { stdout, stderr } = await run(process.execPath, [tool, `--url=${system.mcpUrl}`, '--user=bob']);
    assert.equal(JSON.parse(stdout).email, 'bob@example.com');
    assert.match(stderr, /protocol 2026-07-28/);
    const refused = run(process.execPath, [tool, `--url=${system.mcpUrl}`, '--grant=']);
    await assert.rejects(refused, ({ code, stdout: output }) => code === 1 && output === '');
  });

  it('accepts tokens from the token tool for the command line', async () => {
    const tool = join(ROOT, 'dev_provider', 'bin', 'token.js');
    const args = [tool, `--issuer=${system.issuer}`, `--default-resource=${system.mcpUrl}`];
    for (const kind of [['--opaque'], []]) {
      const { stdout } = await run(process.execPath, [...args, ...kind, '--user=bob', '--grant=email']);
      const { client } = await connectV2({ url: system.mcpUrl, person: holderOf(stdout.trim()) });
      const result = await client.callTool({ name: 'whoami', arguments: {} });
      const claims = JSON.parse(result.content[0].text);
      assert.equal(claims.email, 'bob@example.com');
      assert.ok(!('username' in claims));
      await client.close();
    }
  });
});
