// Starts the development OIDC provider. See README.md.

import { join } from 'node:path';

import { Faults } from '../lib/faults.js';
import { ProviderHost } from '../lib/host.js';
import { KeyRing } from '../lib/keys.js';
import { log } from '../lib/log.js';
import { OptionError, USAGE, readOptions } from '../lib/options.js';
import { createHttpServer } from '../lib/server.js';
import { Store } from '../lib/store.js';
import { Tenant } from '../lib/tenant.js';
import { PASSWORD, USERNAMES } from '../lib/users.js';

const HOST = '127.0.0.1'; // never anything but loopback
const DRAIN_MS = 2000;

function fail(message) {
  process.stderr.write(`dev_provider: ${message}\n`);
  process.exit(2);
}

function optionsOrExit() {
  try {
    return readOptions(process.argv.slice(2), process.env);
  } catch (error) {
    if (error instanceof OptionError) return fail(error.message);
    throw error;
  }
}

const options = optionsOrExit();
if (options.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}

function stateOrExit() {
  const { stateDir } = options;
  try {
    return {
      keys: new KeyRing(stateDir),
      tenant: new Tenant(options),
      store: new Store(stateDir && join(stateDir, 'issued.jsonl')),
    };
  } catch (error) {
    return fail(`cannot keep its state in --state_dir: ${error.message}`);
  }
}

const state = stateOrExit();
const host = new ProviderHost({ issuer: options.issuer, ...state });
const server = createHttpServer({ host, ...state, faults: options.faults ? new Faults() : undefined });
server.on('error', (error) => {
  if (error.code === 'EADDRINUSE')
    fail(`port ${options.port} on ${HOST} is taken; stop what uses it or give another --port`);
  if (error.code === 'EACCES') fail(`may not listen on port ${options.port}; give a --port above 1023`);
  throw error;
});
server.listen(options.port, HOST, () => {
  log('info', 'ready', {
    issuer: options.issuer,
    resources: options.resources,
    clients: state.tenant.applications.map(({ id }) => id),
    faults: options.faults,
  });
  log('warning', 'development_only', {
    message: 'unfit for production: known passwords, nothing stored',
    users: USERNAMES,
    password: PASSWORD,
  });
});

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => {
    log('info', 'stopping', { signal });
    server.close(() => {
      state.store.close();
      process.exit(0);
    });
    server.closeIdleConnections();
    setTimeout(() => server.closeAllConnections(), DRAIN_MS).unref();
  });
}
