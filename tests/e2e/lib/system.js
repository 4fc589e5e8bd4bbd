// The whole system on loopback: the development provider, auth_service, tool services and the edge, each a real process.
// The tool services are whoami unless a test asks for others: see TOOL_SERVICES.
//
// The services are built binaries; the environment variable GATEHOUSE_BIN_DIR names their folder (default: Bazel's
// optimised output). Every process is stopped by its id, also when the test process fails. Logs are kept as
// $TEST_OUTPUT/e2e/<name>/<service>.log (default dist/test-output).

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { CLIENT_SECRET } from '../../../dev_provider/lib/clients.js';
import { obtainMachineToken, obtainToken } from '../../../dev_provider/lib/sign_in.js';
import { callModern } from './mcp.js';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const READY_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 30_000;

/** The folder for what a test leaves behind: logs, screenshots, results. Made on demand. */
export function outputDir(name) {
  const dir = join(process.env.TEST_OUTPUT ?? join(ROOT, 'dist', 'test-output'), 'e2e', name);
  mkdirSync(dir, { recursive: true });
  return dir;
}

let binDir;
/** The path of a service's binary. */
export function binary(service) {
  binDir ??=
    process.env.GATEHOUSE_BIN_DIR ??
    execFileSync('bazel', ['info', '--config=opt', 'bazel-bin'], { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  const paths = {
    auth_service: 'auth_service/auth_service',
    whoami: 'tool_service/whoami/whoami',
    mcp_edge: 'mcp_edge/mcp_edge',
    todo: 'tool_service/todo/todo',
    conformance: 'tool_service/conformance/conformance',
    doctor: 'auth_service/doctor/gatehouse-doctor',
  };
  const path = join(binDir, paths[service]);
  if (!existsSync(path)) throw new Error(`${path} is not there: build the services (./dev test does) or set GATEHOUSE_BIN_DIR`);
  return path;
}

// Below those that the operating system gives to connections: one of these could take a port before its service listens.
const FIRST_PORT = 15_000;
const PORTS = 15_000;
let portsGiven = randomInt(PORTS);

/** A port of 127.0.0.1 that is free, and that this process has given to nobody yet. */
export async function freePort() {
  for (let attempts = 0; attempts < PORTS; ++attempts) {
    const port = FIRST_PORT + (portsGiven++ % PORTS);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(() => true, () => false);
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
  throw new Error('no port of 127.0.0.1 is free');
}

/** Waits until `condition` returns something true, and returns that. Throws after `timeoutMs`, saying `what`. */
export async function until(what, condition, { timeoutMs = READY_TIMEOUT_MS, intervalMs = 50 } = {}) {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await sleep(intervalMs);
  }
}

const MOST_MEASUREMENTS = 5;

/**
 * Calls `measure`, which returns how many milliseconds something took, until one is at most `limitMs`, but not more than
 * five times: whatever else keeps the machine busy may delay one of them. Throws if none is, saying `what`.
 */
export async function assertWithin(limitMs, measure, what) {
  const tookMs = [];
  while (tookMs.length < MOST_MEASUREMENTS) {
    tookMs.push(Math.round(await measure()));
    if (tookMs.at(-1) <= limitMs) return;
  }
  throw new Error(`not within ${limitMs} ms, but ${tookMs.join(', ')} ms: ${what}`);
}

async function answers(url, status) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
    await response.body?.cancel();
    return response.status === status;
  } catch {
    return false;
  }
}

/** Whether something listens on the port of 127.0.0.1. */
function listens(port) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => socket.destroy(resolve(true)));
    socket.once('error', () => resolve(false));
  });
}

const built = new Map(); // example -> whether it is there
/** Builds an example of examples/ unless that has been done. Whether it can be had: Go may be missing. */
export function buildExample(name) {
  if (!built.has(name)) {
    const hasGo = name !== 'go' || spawnSync('go', ['version'], { stdio: 'ignore' }).status === 0;
    if (hasGo) execFileSync(join(ROOT, 'examples', name, 'build'), { stdio: ['ignore', 'ignore', 'inherit'] });
    built.set(name, hasGo);
  }
  return built.get(name);
}

/** The Python of examples/python, with which tests write tool services of their own, and the environment it needs. */
export function python() {
  buildExample('python');
  const folder = join(ROOT, 'examples', 'python');
  return { file: join(folder, '.venv', 'bin', 'python'), env: { PYTHONPATH: join(folder, 'generated') } };
}

/**
 * The tool services that there are, by name: `command` makes the command line from a port (and, of ours, that of the admin
 * server, if it `hasAdmin`, and the flag that says where the edge's keys are), `env` is added to its environment, `tool` is
 * one that shows in the catalogue when it has arrived; `readyEvent` is what it logs when it takes calls.
 */
export const TOOL_SERVICES = {
  whoami: {
    command: (port, adminPort, keys) => [binary('whoami'), `--port=${port}`, `--admin_port=${adminPort}`, keys],
    hasAdmin: true,
    tool: 'whoami',
  },
  todo: {
    command: (port, adminPort, keys) => [binary('todo'), `--port=${port}`, `--admin_port=${adminPort}`, keys],
    hasAdmin: true,
    tool: 'list_todos',
  },
  conformance: {
    command: (port, adminPort, keys) => [binary('conformance'), `--port=${port}`, `--admin_port=${adminPort}`, keys],
    hasAdmin: true,
    tool: 'test_simple_text',
  },
  trips: {
    readyEvent: 'ready',
    command: (port, _, keys) => [python().file, join(ROOT, 'examples', 'python', 'trips_service.py'), `--port=${port}`, keys],
    env: () => python().env,
    tool: 'plan_trip',
  },
  kitchen: {
    readyEvent: 'ready',
    command: (port, _, keys) => (buildExample('go'), [join(ROOT, 'examples', 'go', 'bin', 'kitchen'), `--port=${port}`, keys]),
    tool: 'bake',
  },
};

const running = new Set(); // the child processes of this process
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** One process of the system; can be stopped, killed and started again with the same ports. */
export class Service {
  /** Everything it has written to standard error since the first start, by line. */
  lines = [];
  #child;
  #command;
  #env;
  #isReady;
  #startLine = 0; // of the log of the latest start
  #logFile;

  /**
   * Ready: `readyUrl` answers with `readyStatus`; or the log has the event `readyEvent` since the latest start; or something
   * listens on `readyPort`. `env`: added to the environment.
   */
  constructor({ name, command, env = {}, readyUrl, readyStatus = 200, readyEvent, readyPort, logDir }) {
    this.name = name;
    this.#command = command;
    this.#env = env;
    this.#isReady = () => {
      if (readyUrl) return answers(readyUrl, readyStatus);
      if (readyEvent) return this.events(this.#startLine).some(({ event }) => event === readyEvent);
      return listens(readyPort);
    };
    this.#logFile = join(logDir, `${name}.log`);
    writeFileSync(this.#logFile, '');
  }

  get pid() {
    return this.#child?.pid;
  }

  get isRunning() {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  isReady() {
    return this.#isReady();
  }

  /** Starts it and returns at once. */
  spawn() {
    const [file, ...args] = this.#command;
    this.#startLine = this.lines.length;
    const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...this.#env } });
    running.add(child);
    child.once('exit', () => running.delete(child));
    let rest = '';
    child.stderr.setEncoding('utf8').on('data', (chunk) => {
      appendFileSync(this.#logFile, chunk);
      const lines = (rest + chunk).split('\n');
      rest = lines.pop();
      this.lines.push(...lines);
    });
    this.#child = child;
  }

  /** Starts it and waits until it is ready. */
  async start() {
    this.spawn();
    await until(`${this.name} is ready`, async () => {
      if (!this.isRunning) throw new Error(`${this.name} ended while starting: ${this.lines.at(-1)}`);
      return this.isReady();
    });
  }

  /** Sends a signal to the process. */
  signal(name) {
    this.#child.kill(name);
  }

  /** Stops it with SIGTERM and returns the exit code; throws when it does not stop in time. */
  async stop() {
    return this.#end('SIGTERM');
  }

  /** kill -9. */
  async kill() {
    await this.#end('SIGKILL');
  }

  async #end(signal) {
    const child = this.#child;
    if (!this.isRunning) return child?.exitCode;
    const exited = once(child, 'exit');
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    const [code, endedBy] = await exited;
    clearTimeout(timer);
    if (signal === 'SIGTERM' && endedBy === 'SIGKILL') throw new Error(`${this.name} did not stop on SIGTERM`);
    return code;
  }

  /** The log lines that are JSON, as objects, from line `since` on. */
  events(since = 0) {
    return this.lines.slice(since).flatMap((line) => {
      try {
        return [JSON.parse(line)];
      } catch {
        return [];
      }
    });
  }
}

// The name of the admin port of a replica of auth_service.
const authAdmin = (index) => (index === 0 ? 'authAdmin' : `authAdmin${index + 1}`);

/** The processes with free ports. Build with System.start. */
export class System {
  services = new Map();
  #dir;
  #logDir;
  #machineToken;

  constructor(name) {
    this.#logDir = outputDir(name);
    this.#dir = mkdtempSync(join(tmpdir(), 'gatehouse-e2e-'));
  }

  /**
   * Starts everything and waits until it is ready. `name`: the folder of the logs; `providerFlags`, `authFlags`, `edgeFlags`:
   * flags beside the necessary ones, the last one counts, or for the latter two a function from the system to them;
   * `tools`: the tool services in the order of the file, each a name of TOOL_SERVICES or an object as there, with a `name`;
   * `toolServices`: a function from the ports to another content of the tool services file; `authHosts`: the addresses of
   * the replicas of auth_service, the first called auth_service, the others auth_service_2 and so on; `hasSecondProvider`:
   * whether there is another provider, of the issuer `otherIssuer`, with the same users.
   */
  static async start(name, { tools = ['whoami'], ...options } = {}) {
    const system = new System(name);
    const wanted = tools.map((tool) => (typeof tool === 'string' ? { name: tool, ...TOOL_SERVICES[tool] } : tool));
    try {
      await system.#assemble(wanted, options);
      const isProvider = (service) => service.name.startsWith('provider');
      await Promise.all([...system.services.values()].filter(isProvider).map((service) => service.start()));
      const others = [...system.services.values()].filter((service) => !isProvider(service));
      await Promise.all(others.map((service) => service.start()));
      for (const { tool } of wanted) {
        if (tool) await until(`${tool} is in the catalogue`, () => system.#hasTool(tool));
      }
    } catch (error) {
      await system.stop();
      throw error;
    }
    return system;
  }

  async #assemble(tools, { providerFlags = [], authFlags = [], edgeFlags = [], toolServices, authHosts = ['127.0.0.1'], hasSecondProvider }) {
    const names = [
      'provider', 'otherProvider', 'auth', 'edge', 'edgeAdmin', ...authHosts.map((host, index) => authAdmin(index)),
      ...tools.flatMap(({ name }) => [name, `${name}Admin`]),
    ];
    const ports = Object.fromEntries(await Promise.all(names.map(async (key) => [key, await freePort()])));
    this.ports = ports;
    this.issuer = `http://localhost:${ports.provider}/oidc`;
    this.otherIssuer = `http://localhost:${ports.otherProvider}/oidc`;
    this.origin = `http://localhost:${ports.edge}`;
    this.mcpUrl = `${this.origin}/mcp`;
    this.sseUrl = `${this.origin}/sse`;
    this.principalKeys = `--principal_keys=http://127.0.0.1:${ports.edgeAdmin}/jwks.json`;
    this.toolsFile = join(this.#dir, 'tools.yaml');
    const entries = tools.map(({ name }) => `  - name: ${name}\n    target: dns:///localhost:${ports[name]}\n`);
    writeFileSync(this.toolsFile, toolServices ? toolServices(ports) : `tool_services:\n${entries.join('')}`);

    const resources = [this.mcpUrl, this.sseUrl];
    this.#addProvider('provider', ports.provider, resources, [`--state_dir=${this.#dir}`, '--faults', ...providerFlags]);
    if (hasSecondProvider) this.#addProvider('provider_2', ports.otherProvider, resources, providerFlags);
    const flagsOf = (flags) => (typeof flags === 'function' ? flags(this) : flags);
    for (const [index, host] of authHosts.entries()) {
      this.#addBinary('auth_service', ports.auth, ports[authAdmin(index)], [
        `--host=${host}`, `--issuers=${this.issuer}`, `--resources=${resources.join()}`, '--opaque_tokens=userinfo', ...flagsOf(authFlags),
      ], index === 0 ? 'auth_service' : `auth_service_${index + 1}`);
    }
    for (const { name, command, env, hasAdmin, readyEvent } of tools) {
      this.addService(name, {
        command: command(ports[name], ports[`${name}Admin`], this.principalKeys),
        env: typeof env === 'function' ? env() : env,
        readyPort: ports[name],
        readyEvent,
        readyUrl: hasAdmin && `http://127.0.0.1:${ports[`${name}Admin`]}/readyz`,
      });
    }
    const authTarget = authHosts.length === 1 ? `dns:///localhost:${ports.auth}` : `ipv4:${authHosts.map((host) => `${host}:${ports.auth}`).join()}`;
    this.#addBinary('mcp_edge', ports.edge, ports.edgeAdmin, [
      `--resource=${this.mcpUrl}`, `--auth_service=${authTarget}`, `--tools_config=${this.toolsFile}`, ...flagsOf(edgeFlags),
    ]);
  }

  #addProvider(name, port, resources, flags) {
    this.addService(name, {
      command: [
        process.execPath, join(ROOT, 'dev_provider', 'bin', 'provider.js'), `--port=${port}`,
        ...resources.map((uri) => `--resource=${uri}`), ...flags,
      ],
      readyUrl: `http://localhost:${port}/api/status`,
      readyStatus: 204,
    });
  }

  #addBinary(program, port, adminPort, flags, name = program) {
    this.addService(name, {
      command: [binary(program), `--port=${port}`, `--admin_port=${adminPort}`, ...flags],
      readyUrl: `http://127.0.0.1:${adminPort}/readyz`,
    });
  }

  /** Adds a process to those that stop() ends. See Service. */
  addService(name, options) {
    const service = new Service({ name, logDir: this.#logDir, ...options });
    this.services.set(name, service);
    return service;
  }

  /** Starts another edge beside the first, for the same resource and with the same tools. Returns `{service, port, adminPort}`. */
  async addEdge(name, flags = []) {
    const [port, adminPort] = [await freePort(), await freePort()];
    this.#addBinary('mcp_edge', port, adminPort, [
      `--resource=${this.mcpUrl}`, `--auth_service=dns:///localhost:${this.ports.auth}`, `--tools_config=${this.toolsFile}`, ...flags,
    ], name);
    const service = this.services.get(name);
    await service.start();
    return { service, port, adminPort };
  }

  get provider() {
    return this.services.get('provider');
  }

  get authService() {
    return this.services.get('auth_service');
  }

  get whoami() {
    return this.services.get('whoami');
  }

  get edge() {
    return this.services.get('mcp_edge');
  }

  // The edge may be ready before the first catalogue has arrived.
  async #hasTool(name) {
    this.probeToken ??= await this.token();
    for (let cursor; ;) {
      const response = await callModern(this.mcpUrl, 'tools/list', cursor ? { cursor } : {}, this.probeToken).catch(() => undefined);
      const result = response?.body?.result;
      if (result?.tools?.some((tool) => tool.name === name)) return true;
      if (!result?.nextCursor) return false;
      cursor = result.nextCursor;
    }
  }

  /** An access token for the MCP endpoint (or another `resource`; null gives an opaque one). As obtainToken. */
  async token({ resource = this.mcpUrl, ...options } = {}) {
    const response = await obtainToken({ issuer: this.issuer, resource: resource ?? undefined, ...options });
    return response.access_token;
  }

  /**
   * Calls the provider's Management API as the application `gatehouse` and returns the body of a good answer. Throws on
   * any other.
   */
  async manage(method, path, body) {
    this.#machineToken ??= obtainMachineToken({ issuer: this.issuer });
    const { access_token: token } = await this.#machineToken;
    const response = await fetch(new URL(`/api${path}`, this.issuer), {
      method, headers: { authorization: `Bearer ${token}` }, body: body && JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return /^[[{]/.test(text) ? JSON.parse(text) : text;
  }

  /** Makes the provider fail: see dev_provider/lib/faults.js. */
  async fault(rule) {
    const response = await fetch(new URL('/faults', this.issuer), { method: 'POST', body: JSON.stringify(rule) });
    if (!response.ok) throw new Error(`fault: ${response.status}`);
  }

  async clearFaults() {
    await fetch(new URL('/faults', this.issuer), { method: 'DELETE' });
  }

  /** How many requests the provider has had, by method and path. */
  async providerRequests() {
    return (await fetch(new URL('/faults/requests', this.issuer))).json();
  }

  /** Writes a file that is gone with the system, and returns its path. */
  file(name, content) {
    const path = join(this.#dir, name);
    writeFileSync(path, content);
    return path;
  }

  /** The flags that give auth_service credentials of a confidential application: `--${prefix}_client_id_file` and so on. */
  credentialFlags(prefix, clientId = 'gatehouse') {
    return [
      `--${prefix}_client_id_file=${this.file(`${prefix}_client_id`, `${clientId}\n`)}`,
      `--${prefix}_client_secret_file=${this.file(`${prefix}_client_secret`, `${CLIENT_SECRET}\n`)}`,
    ];
  }

  /** The metrics of a service by its admin port: a function from the beginning of a line to the sum of what fits. */
  async metrics(adminPort) {
    const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
    return (beginning) =>
      text.split('\n').filter((line) => line.startsWith(beginning)).reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }

  /** The provider's private signing key as a JWK, to make tokens that it would never issue. */
  signingKey() {
    return JSON.parse(readFileSync(join(this.#dir, 'signing_key.json'), 'utf8'));
  }

  /** Stops everything, the edge first. */
  async stop() {
    const services = [...this.services.values()].reverse();
    for (const service of services) if (service.isRunning) service.signal('SIGCONT');
    const results = await Promise.allSettled(services.map((service) => service.stop()));
    rmSync(this.#dir, { recursive: true, force: true });
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }
}
