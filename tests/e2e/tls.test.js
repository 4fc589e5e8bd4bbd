// The whole system with mutual TLS on every gRPC connection, and tool services that believe nobody but the edge.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect as connectTls } from 'node:tls';

import { callModern } from './lib/mcp.js';
import { binary, buildExample, freePort, System, TOOL_SERVICES, until } from './lib/system.js';

const hasGo = buildExample('go');

/** A certificate authority, and folders with certificates of it that change all at once, as a Secret does. */
class Authority {
  #dir = mkdtempSync(join(tmpdir(), 'gatehouse-tls-'));
  #count = 0;

  constructor() {
    const files = ['-keyout', 'ca.key', '-out', 'ca.crt'];
    this.#openssl('req', '-x509', ...Authority.#newKey, '-days', '1', '-subj', '/CN=test', ...files);
  }

  static #newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

  #openssl(...args) {
    execFileSync('openssl', args, { cwd: this.#dir, stdio: ['ignore', 'ignore', 'pipe'] });
  }

  /** Makes a certificate for localhost, for a service, in place of the one that is there. */
  issue(service) {
    const folder = `${service}.${++this.#count}`;
    mkdirSync(join(this.#dir, folder));
    writeFileSync(join(this.#dir, 'extensions'), 'subjectAltName=DNS:localhost\n');
    this.#openssl('req', ...Authority.#newKey, '-subj', `/CN=${service}`, '-keyout', `${folder}/tls.key`, '-out', 'csr');
    this.#openssl('x509', '-req', '-in', 'csr', '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '1',
      '-extfile', 'extensions', '-out', `${folder}/tls.crt`);
    symlinkSync(folder, join(this.#dir, 'next'));
    renameSync(join(this.#dir, 'next'), join(this.#dir, service));
  }

  file(service, name) {
    return join(this.#dir, service, name);
  }

  /** The flags of a service. */
  flags(service) {
    this.issue(service);
    return [
      '--grpc_security=tls', `--tls_ca_file=${join(this.#dir, 'ca.crt')}`,
      `--tls_cert_file=${this.file(service, 'tls.crt')}`, `--tls_key_file=${this.file(service, 'tls.key')}`,
    ];
  }

  /** What a client of Node needs to be one of us. */
  clientOptions(service) {
    const [cert, key] = ['tls.crt', 'tls.key'].map((name) => readFileSync(this.file(service, name)));
    return { ...this.strangerOptions(), cert, key };
  }

  strangerOptions() {
    return { ca: readFileSync(join(this.#dir, 'ca.crt')), servername: 'localhost', ALPNProtocols: ['h2'] };
  }

  remove() {
    rmSync(this.#dir, { recursive: true });
  }
}

/** What comes of one gRPC call over a connection of its own: its status, or "refused". */
function call(url, options) {
  return new Promise((resolve) => {
    const session = connectHttp2(url, options);
    const end = (result) => (session.destroy(), resolve(result));
    session.on('error', () => end('refused'));
    session.on('close', () => end('refused'));
    const request = session.request({
      ':method': 'POST', ':path': '/gatehouse.tool.v1.ToolService/CallTool',
      'content-type': 'application/grpc', te: 'trailers',
    });
    let status;
    const take = (headers) => (status = headers['grpc-status'] ?? status);
    request.on('response', take).on('trailers', take);
    request.on('error', () => end('refused')).on('end', () => end(status ?? 'refused'));
    request.end(Buffer.from([0, 0, 0, 0, 0]));
    request.resume();
  });
}

/** The serial number of the certificate that a server shows. */
function serialNumber(port, options) {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ port, host: '127.0.0.1', ...options }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

describe('mutual TLS between the services', { timeout: 120_000 }, () => {
  const UNAUTHENTICATED = '16';
  let authority;
  let system;
  let token;
  before(async () => {
    authority = new Authority();
    const secured = (name) => ({
      name,
      ...TOOL_SERVICES[name],
      command: (...args) => [...TOOL_SERVICES[name].command(...args), ...authority.flags(name)],
    });
    system = await System.start('tls', {
      authFlags: authority.flags('auth_service'),
      edgeFlags: authority.flags('mcp_edge'),
      tools: ['whoami', 'trips', ...(hasGo ? ['kitchen'] : [])].map(secured),
    });
    token = await system.token();
  });
  after(async () => {
    await system?.stop();
    authority?.remove();
  });

  const callTool = async (name, args = {}) => {
    const response = await callModern(system.mcpUrl, 'tools/call', { name, arguments: args }, token);
    return response.body.result;
  };

  it('calls go through, to services in C++, Python and Go', async () => {
    assert.equal((await callTool('whoami')).structuredContent.sub.length > 0, true);
    assert.deepEqual((await callTool('plan_trip', { city: 'Oslo', days: 1 })).structuredContent.city, 'Oslo');
    if (hasGo) assert.deepEqual((await callTool('bake', { dish: 'bread', minutes: 1 })).structuredContent.dish, 'bread');
  });

  for (const name of ['auth_service', 'whoami', 'trips', ...(hasGo ? ['kitchen'] : [])]) {
    it(`${name}: who has no certificate of the authority is not let in`, async () => {
      const url = (scheme) => `${scheme}://localhost:${system.ports[name === 'auth_service' ? 'auth' : name]}`;
      assert.equal(await call(url('https'), authority.strangerOptions()), 'refused');
      assert.equal(await call(url('http'), {}), 'refused');
    });
  }

  for (const name of ['whoami', 'trips', ...(hasGo ? ['kitchen'] : [])]) {
    it(`${name}: who has one, and is not the edge, is not believed`, async () => {
      const options = authority.clientOptions('auth_service');
      assert.equal(await call(`https://localhost:${system.ports[name]}`, options), UNAUTHENTICATED);
    });
  }

  it('renewed certificates are taken up while calls run, and no call fails', async () => {
    const options = authority.clientOptions('mcp_edge');
    const ports = [system.ports.auth, ...['whoami', 'trips', ...(hasGo ? ['kitchen'] : [])].map((name) => system.ports[name])];
    const old = await Promise.all(ports.map((port) => serialNumber(port, options)));
    let isRunning = true;
    let calls = 0;
    const load = (async () => {
      while (isRunning) {
        assert.ok((await callTool('whoami')).structuredContent, `call ${calls}`);
        calls += 1;
      }
    })();
    const names = ['auth_service', 'whoami', 'trips', 'mcp_edge', ...(hasGo ? ['kitchen'] : [])];
    for (const name of names) authority.issue(name);
    await until('all show the new ones', async () => {
      const now = await Promise.all(ports.map((port) => serialNumber(port, options)));
      return now.every((serial, index) => serial !== old[index]);
    }, { timeoutMs: 15_000, intervalMs: 200 });
    // Connections are at most some ten seconds old: by then new ones have been made with what is there now.
    const until_ms = performance.now() + 12_000;
    await until('old connections are gone', async () => performance.now() > until_ms, { timeoutMs: 20_000, intervalMs: 200 });
    isRunning = false;
    await load;
    assert.ok(calls > 100, `${calls} calls`);
  });

  it('a service that others could reach does not start in clear text, and says what to do', async () => {
    for (const [name, flags, advice] of [
      ['whoami', ['--host=0.0.0.0'], /set --tls_cert_file and --tls_key_file, or say --grpc_security=plaintext/],
      [
        'auth_service', ['--host=0.0.0.0', `--issuers=${system.issuer}`, `--resources=${system.mcpUrl}`],
        /set --tls_cert_file and --tls_key_file/,
      ],
      [
        'mcp_edge', ['--auth_service=dns:///auth.example.com:50051', `--tools_config=${system.toolsFile}`],
        /set --tls_ca_file, or say --grpc_security=plaintext/,
      ],
    ]) {
      const command = [`--port=${await freePort()}`, `--admin_port=${await freePort()}`, ...flags];
      const { status, stderr } = spawnSync(binary(name), command, { encoding: 'utf8', timeout: 10_000 });
      assert.equal(status, 2, name);
      assert.match(stderr, advice, name);
    }
  });
});
