// --error_style=mcp-auth: the edge beside a server that the mcp-auth library guards, both for the same resources and the same
// provider. Each request goes to both, and status, content type, challenge and body of the answers are compared byte for byte.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, describe, it } from 'node:test';

import { Forger } from './lib/forged_tokens.js';
import { modernRequest } from './lib/mcp.js';
import { startMcpAuthServer } from './lib/mcp_auth_server.js';
import { LegacySession, eventsOf } from './lib/raw_mcp.js';
import { exchange, requestText } from './lib/raw_http.js';
import { System, binary, until } from './lib/system.js';

const STYLE = '--error_style=mcp-auth';

const seconds = (fromNow) => Math.floor(Date.now() / 1000) + fromNow;

// What of an answer a client or a monitor may look at.
function lookAt({ status, headers, body }) {
  return { status, type: headers['content-type'], challenge: headers['www-authenticate'], body };
}

// Sends a request with these Authorization headers, none if there are none.
async function send(port, path, authorization, { method = 'POST', message = modernRequest('tools/list') } = {}) {
  const { Authorization, ...headers } = message.headers;
  const body = method === 'POST' ? message.body : '';
  const pairs = [['Host', `localhost:${port}`], ...Object.entries(headers), ...authorization.map((value) => ['Authorization', value])];
  if (method === 'POST') pairs.push(['Content-Length', Buffer.byteLength(body)]);
  return lookAt(await exchange(port, [requestText(method, path, pairs, body)]));
}

const callOf = (name, args = {}) => modernRequest('tools/call', { name, arguments: args });

// Authorization headers that are refused before anybody looks at a token.
const HEADERS = {
  'no header': [],
  'an empty header': [''],
  'blanks only': ['  '],
  'another scheme': ['Basic dTpw'],
  'another scheme without credentials': ['Basic'],
  'a token without a scheme': ['abc.def.ghi'],
  'the scheme alone': ['Bearer'],
  'the scheme in another case, alone': ['bEARER'],
  'the scheme and a blank': ['Bearer '],
  'two blanks': ['Bearer  abc'],
  'three parts': ['Bearer abc def'],
  'a blank at the end of the token': ['Bearer abc  def '],
  'a tab in place of the blank': ['Bearer\tabc'],
  'a scheme that begins with Bearer': ['Bearerer abc'],
  'a comma and another token': ['Bearer abc,Bearer'],
  'characters that no token has': ['Bearer a,b"c'],
  'letters beyond ASCII': ['Bearer \u00e9'],
  'padding alone': ['Bearer =='],
};

describe('the style of mcp-auth', { timeout: 120_000 }, () => {
  let system;
  let forger;
  let library;
  let plainPort;
  before(async () => {
    system = await System.start('error_style', {
      tools: ['whoami', 'todo'],
      toolServices: (ports) => `tool_services:
  - {name: whoami, target: "dns:///localhost:${ports.whoami}"}
  - name: todo
    target: dns:///localhost:${ports.todo}
    required_scopes:
      tools:
        complete_todo: [[todo:write, todo:read, todo:delete]]
`,
      providerFlags: ['--custom_claims=false'],
      authFlags: ['--opaque_tokens=refuse'],
      edgeFlags: [STYLE],
    });
    forger = new Forger(system);
    ({ port: plainPort } = await system.addEdge('mcp_edge_plain'));
    const scoped = (...requiredScopes) => ({ resource: system.mcpUrl, requiredScopes });
    library = await startMcpAuthServer({
      issuer: system.issuer,
      resources: {
        '/mcp': system.mcpUrl,
        '/sse': system.sseUrl,
        '/messages': system.sseUrl,
        '/without_keys': { resource: system.mcpUrl, hasNoKeys: true },
        '/delete_todo': scoped('todo:delete'),
        '/complete_todo': scoped('todo:write', 'todo:read', 'todo:delete'),
      },
    });
  });
  after(async () => {
    library?.close();
    await system?.stop();
  });

  // The answers of the edge and of the library.
  const both = (path, authorization, { libraryPath = path, ...options } = {}) =>
    Promise.all([send(system.ports.edge, path, authorization, options), send(library.port, libraryPath, authorization, options)]);

  async function assertSame(path, authorization, options) {
    const [edge, wanted] = await both(path, authorization, options);
    assert.deepEqual(edge, wanted);
    return edge;
  }

  it('lets the same tokens in, so that the refusals below show something', async () => {
    for (const token of [await system.token(), forger.signed(), forger.signed({ aud: ['https://elsewhere.example', system.mcpUrl] })]) {
      for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
        for (const { status, challenge } of await both('/mcp', [`${scheme} ${token}`])) {
          assert.deepEqual({ status, challenge }, { status: 200, challenge: undefined });
        }
      }
    }
  });

  describe('is that of the library, byte for byte', () => {
    for (const [name, authorization] of Object.entries(HEADERS)) {
      it(name, async () => {
        assert.equal((await assertSame('/mcp', authorization)).status, 401);
      });
    }

    // Name, the token, and the `error` that is expected.
    const tokens = [
      ['garbage', () => 'garbage', 'invalid_token'],
      ['three parts of garbage', () => 'a.b.c', 'invalid_token'],
      ['an opaque token', () => system.token({ resource: null }), 'invalid_token'],
      ['a JWT in two parts', () => forger.signed().split('.').slice(0, 2).join('.'), 'invalid_token'],
      ['claims that are no JSON', () => forger.signed().replace(/\.[^.]*\./, '.e2E.'), 'invalid_token'],
      ['expired', () => forger.signed({ iat: seconds(-7200), exp: seconds(-3600) }), 'invalid_token'],
      ['not yet valid', () => forger.signed({ nbf: seconds(3600) }), 'invalid_token'],
      ['another issuer', () => forger.signed({ iss: 'http://localhost:1/oidc' }), 'invalid_issuer'],
      ["another issuer's, signed by a stranger", () => forger.signed({ iss: 'http://localhost:1/oidc' }, { kid: 'unknown' }), 'invalid_issuer'],
      ['another audience', () => forger.signed({ aud: 'https://elsewhere.example/mcp' }), 'invalid_audience'],
      ['other audiences', () => forger.signed({ aud: ['https://elsewhere.example/mcp', `${system.mcpUrl}/`] }), 'invalid_audience'],
      ['an audience with a slash too many', () => forger.signed({ aud: `${system.mcpUrl}/` }), 'invalid_audience'],
      ['without an audience', () => forger.signed({ aud: undefined }), 'invalid_audience'],
      ['a token for the other endpoint', () => system.token({ resource: system.sseUrl }), 'invalid_audience'],
      ['without sub', () => forger.signed({ sub: undefined }), 'invalid_token'],
      ['sub as a number', () => forger.signed({ sub: 7 }), 'invalid_token'],
      ['exp as text', () => forger.signed({ exp: '9999999999' }), 'invalid_token'],
      ['signed by a stranger under the known key id', () => forger.signedByStranger(), 'invalid_token'],
      ['signed by a stranger under another key id', () => forger.signedByStranger('unknown'), 'invalid_token'],
      ['changed after signing', () => forger.tampered(), 'invalid_token'],
      ['alg none', () => forger.unsigned(), 'invalid_token'],
      ['HS256 signed with the public key', () => forger.signedWithPublicKey('pem'), 'invalid_token'],
    ];
    for (const [name, make, error] of tokens) {
      it(name, async () => {
        const { status, body } = await assertSame('/mcp', [`Bearer ${await make()}`]);
        assert.equal(status, 401);
        assert.equal(JSON.parse(body).error, error);
      });
    }

    it('for every method and path', async () => {
      for (const authorization of [[], ['Basic dTpw'], ['Bearer'], ['Bearer garbage'], [`Bearer ${forger.signedByStranger()}`]]) {
        for (const [method, path] of [['GET', '/mcp'], ['DELETE', '/mcp'], ['GET', '/sse'], ['POST', '/messages?sessionId=x']]) {
          assert.equal((await assertSame(path, authorization, { method })).status, 401);
        }
      }
    });

    // A tool, the scopes of the token, and those that are missing, in the order in which the tool service has them.
    const lacking = [
      ['delete_todo', 'todo:read todo:write', ['todo:delete']],
      ['complete_todo', 'openid', ['todo:write', 'todo:read', 'todo:delete']],
      ['complete_todo', 'todo:read', ['todo:write', 'todo:delete']],
      ['complete_todo', 'TODO:WRITE todo:delete', ['todo:write', 'todo:read']],
    ];
    for (const [tool, scope, missing] of lacking) {
      it(`a token with ${scope} for ${tool}: 403`, async () => {
        const options = { libraryPath: `/${tool}`, message: callOf(tool, { id: 1 }) };
        const { status, body } = await assertSame('/mcp', [`Bearer ${forger.signed({ scope })}`], options);
        assert.equal(status, 403);
        assert.deepEqual(JSON.parse(body).missing_scopes, missing);
      });
    }

    it('a scope that is missing in a session of 2025-11-25, in a batch of 2025-03-26 and over HTTP+SSE: 403', async () => {
      const token = forger.signed({ scope: 'todo:read' });
      const [, wanted] = await both('/mcp', [`Bearer ${token}`], { libraryPath: '/delete_todo' });
      for (const version of ['2025-11-25', '2025-03-26']) {
        const session = await LegacySession.open({ url: system.mcpUrl, token, version });
        const message = session.message('tools/call', { name: 'delete_todo', arguments: { id: 1 } });
        const body = JSON.stringify(version === '2025-03-26' ? [session.message('ping'), message] : message);
        const headers = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream', 'Mcp-Session-Id': session.id };
        assert.deepEqual(await send(system.ports.edge, '/mcp', [`Bearer ${token}`], { message: { headers, body } }), wanted, version);
        await session.end();
      }

      const sseToken = forger.signed({ scope: 'todo:read', aud: system.sseUrl });
      const signal = new AbortController();
      const stream = await fetch(system.sseUrl, { headers: { Accept: 'text/event-stream', Authorization: `Bearer ${sseToken}` }, signal: signal.signal });
      const { value: { data: path } } = await eventsOf(stream).next();
      const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'delete_todo', arguments: { id: 1 } } };
      const post = { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(message) };
      assert.deepEqual(await send(system.ports.edge, path, [`Bearer ${sseToken}`], { message: post }), wanted, 'HTTP+SSE');
      signal.abort();
    });
  });

  // What the README of the edge says to differ on purpose: name, the request, and what the edge and the library make of it, each
  // a status with the `error` of its body, if it is of this style.
  describe('differs on purpose', () => {
    const outcome = ({ status, type, body }) => {
      const { error, error_description: description } = type?.startsWith('application/json') ? JSON.parse(body) : {};
      return [status, ...(typeof error === 'string' ? [error, description] : [])];
    };
    const NOT_VALID = 'The provided token is not valid or has expired.';
    const MALFORMED = 'The provided token is invalid or malformed.';
    const AUDIENCE = 'The token audience does not match the expected audience.';

    // A token with the claims; what the edge says of it, and what the library.
    const tokens = [
      ['a token of several faults: the edge looks at the audience first', { aud: 'https://elsewhere.example', exp: seconds(-3600) },
        [401, 'invalid_audience', AUDIENCE], [401, 'invalid_token', MALFORMED]],
      ['no issuer', { iss: undefined }, [401, 'invalid_token', MALFORMED], [401, 'invalid_token', NOT_VALID]],
      ['a token that never expires: the library lets it in', { exp: undefined }, [401, 'invalid_token', MALFORMED], [200]],
      ['a token that has just expired: clocks differ', { exp: seconds(-5) }, [200], [401, 'invalid_token', MALFORMED]],
    ];
    for (const [name, claims, ...wanted] of tokens) {
      it(name, async () => {
        assert.deepEqual((await both('/mcp', [`Bearer ${forger.signed(claims)}`])).map(outcome), wanted);
      });
    }

    it('a JWT that is no access token: the library lets it in', async () => {
      const token = forger.signed({}, { typ: 'id_token+jwt' });
      assert.deepEqual((await both('/mcp', [`Bearer ${token}`])).map(outcome), [[401, 'invalid_token', MALFORMED], [200]]);
    });

    it('a header that is no JSON, before good claims', async () => {
      const token = forger.signed().replace(/^[^.]*/, 'e2E');
      assert.deepEqual((await both('/mcp', [`Bearer ${token}`])).map(outcome), [[401, 'invalid_token', NOT_VALID], [401, 'invalid_token', MALFORMED]]);
    });

    it('scopes are those of the claim `scope` alone: the library also reads `scopes`', async () => {
      const token = forger.signed({ scope: undefined, scopes: 'todo:delete' });
      const options = { libraryPath: '/delete_todo', message: callOf('delete_todo', { id: 1 }) };
      const [edge, lenient] = await both('/mcp', [`Bearer ${token}`], options);
      assert.equal(outcome(edge)[1], 'missing_required_scopes');
      assert.deepEqual(outcome(lenient), [200]);
    });

    it('two headers, or a token in the query: 400 as in the other style', async () => {
      const token = forger.signed();
      const plain = (path, authorization) => send(plainPort, path, authorization);
      const [edge, lenient] = await both('/mcp', [`Bearer ${token}`, 'Bearer other']);
      assert.deepEqual(edge, await plain('/mcp', [`Bearer ${token}`, 'Bearer other']));
      assert.equal(edge.status, 400);
      assert.deepEqual(outcome(lenient), [200], 'it takes the first header');
      for (const [authorization, status] of [[[], 401], [[`Bearer ${token}`], 200]]) {
        const path = `/mcp?access_token=${token}`;
        const [refused, blind] = await both(path, authorization);
        assert.deepEqual(refused, await plain(path, authorization));
        assert.equal(refused.status, 400);
        assert.equal(outcome(blind)[0], status, 'it does not look at the query');
      }
    });

    it('a header beyond the limits: 431 before anything is read', async () => {
      const [edge, lenient] = await both('/mcp', [`Bearer ${'x'.repeat(8193)}`]);
      assert.equal(edge.status, 431);
      assert.deepEqual(outcome(lenient), [401, 'invalid_token', NOT_VALID]);
    });
  });

  describe('changes nothing unless it is asked for', () => {
    const cases = () => [
      ...Object.entries(HEADERS),
      ['garbage', ['Bearer garbage']],
      ['expired', [`Bearer ${forger.signed({ exp: seconds(-3600) })}`]],
      ['another issuer', [`Bearer ${forger.signed({ iss: 'http://localhost:1/oidc' })}`]],
      ['another audience', [`Bearer ${forger.signed({ aud: 'https://elsewhere.example' })}`]],
    ];

    it('--error_style=rfc6750 is what there is without the flag', async () => {
      const { port } = await system.addEdge('mcp_edge_rfc6750', ['--error_style=rfc6750']);
      const lacking = [['a missing scope', [`Bearer ${forger.signed()}`]]];
      for (const [name, authorization] of [...cases(), ...lacking]) {
        const options = { message: callOf('delete_todo', { id: 1 }) };
        // Ids differ from request to request: the same message for both.
        const [named, plain] = await Promise.all([port, plainPort].map((each) => send(each, '/mcp', authorization, options)));
        assert.deepEqual(named, plain, name);
      }
    });

    it('refusals are those of RFC 6750', async () => {
      const metadata = `resource_metadata="${system.origin}/.well-known/oauth-protected-resource/mcp"`;
      const scope = 'scope="openid profile email"';
      for (const [name, authorization] of cases()) {
        const { status, type, challenge, body } = await send(plainPort, '/mcp', authorization);
        assert.equal(type, 'application/json', name);
        assert.equal(JSON.parse(body).jsonrpc, '2.0', name);
        if (status === 400) {
          assert.match(challenge, /^Bearer error="invalid_request", error_description="[^"\\]+", resource_metadata="[^"]+"$/, name);
        } else {
          assert.equal(status, 401, name);
          const error = challenge.startsWith('Bearer error=') ? challenge.match(/^Bearer (error="invalid_token", error_description="[^"\\]+", )/)?.[1] : '';
          assert.equal(challenge, `Bearer ${error}${metadata}, ${scope}`, name);
        }
      }
      const { status, challenge } = await send(plainPort, '/mcp', [`Bearer ${forger.signed()}`], { message: callOf('delete_todo', { id: 1 }) });
      assert.equal(status, 403);
      assert.match(challenge, /^Bearer error="insufficient_scope", error_description="[^"\\]+", resource_metadata="[^"]+", scope="todo:delete"$/);
    });

    it('another value: exit code 2 and one line', () => {
      const { status, stderr } = spawnSync(binary('mcp_edge'), [`--tools_config=${system.toolsFile}`, '--error_style=mcp_auth'], { encoding: 'utf8', timeout: 10_000 });
      assert.equal(status, 2, stderr);
      assert.match(stderr.trimEnd(), /^[^\n]*--error_style must be rfc6750 or mcp-auth[^\n]*$/);
    });
  });
});

describe('the style of mcp-auth, where the provider is asked', { timeout: 60_000 }, () => {
  let system;
  let library;
  before(async () => {
    system = await System.start('error_style_userinfo', {
      edgeFlags: [STYLE, '--verdict_ttl=0s'],
      authFlags: ['--opaque_tokens=userinfo', '--verdict_ttl=0s', '--negative_verdict_ttl=0s'],
    });
    library = await startMcpAuthServer({
      issuer: system.issuer,
      resources: {
        '/mcp': { resource: system.mcpUrl, asksUserinfo: true },
        '/without_keys': { resource: system.mcpUrl, hasNoKeys: true },
      },
    });
  });
  after(async () => {
    library?.close();
    await system?.stop();
  });

  const both = (token, libraryPath = '/mcp') =>
    Promise.all([send(system.ports.edge, '/mcp', [`Bearer ${token}`]), send(library.port, libraryPath, [`Bearer ${token}`])]);

  it('a token that the provider does not know, or that lacks openid: as the sample whoami of the library', async () => {
    for (const token of ['garbage', await system.token({ resource: null, scope: 'profile' })]) {
      const [edge, wanted] = await both(token);
      assert.deepEqual(edge, wanted);
      assert.equal(JSON.parse(edge.body).error, 'token_verification_failed');
    }
    for (const { status } of await both(await system.token({ resource: null }))) assert.equal(status, 200);
  });

  it('a provider in trouble is 503 on purpose: of the library, 401', async () => {
    const token = await system.token({ resource: null });
    await system.fault({ path: '/oidc/me', kind: 'error' });
    const [edge, wrong] = await both(token);
    await system.clearFaults();
    assert.deepEqual([edge.status, edge.challenge], [503, undefined]);
    assert.equal(wrong.status, 401);
    assert.equal(JSON.parse(wrong.body).error, 'token_verification_failed');
  });

  // The last one: it exchanges auth_service.
  it('services that are configured for different resources: 500, as of the library without keys', async () => {
    await system.authService.stop();
    const other = system.addService('auth_service_other', {
      command: [
        binary('auth_service'), `--issuers=${system.issuer}`, '--resources=https://elsewhere.example/mcp',
        `--port=${system.ports.auth}`, `--admin_port=${system.ports.authAdmin}`,
      ],
      readyUrl: `http://127.0.0.1:${system.ports.authAdmin}/readyz`,
    });
    await other.start();
    const token = await system.token();
    await until('the edge has found the other auth_service', async () => (await both(token))[0].status !== 503);
    const [edge, wanted] = await both(token, '/without_keys');
    assert.deepEqual(edge, wanted);
    assert.deepEqual([edge.status, edge.challenge], [500, undefined]);
  });
});
