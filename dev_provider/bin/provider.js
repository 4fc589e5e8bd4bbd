// Starts the development OIDC provider. See README.md.

import { createHttpServer } from '../lib/server.js';
import { CLIENTS } from '../lib/clients.js';
import { signingKey } from '../lib/keys.js';
import { log } from '../lib/log.js';
import { OptionError, USAGE, readOptions } from '../lib/options.js';
import { createProvider } from '../lib/provider.js';
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

function keyOrExit() {
  try {
    return signingKey(options.stateDir);
  } catch (error) {
    return fail(`cannot keep the signing key in --state_dir: ${error.message}`);
  }
}

const provider = createProvider({ ...options, signingKey: keyOrExit() });
provider.on('server_error', (ctx, error) => log('error', 'server_error', { message: error.message }));

const server = createHttpServer(provider);
server.on('error', (error) => {
  if (error.code === 'EADDRINUSE') fail(`port ${options.port} on ${HOST} is taken; stop what uses it or give another --port`);
  if (error.code === 'EACCES') fail(`may not listen on port ${options.port}; give a --port above 1023`);
  throw error;
});
server.listen(options.port, HOST, () => {
  log('info', 'ready', { issuer: options.issuer, resources: options.resources, clients: CLIENTS.map((client) => client.client_id) });
  log('warning', 'development_only', {
    message: 'unfit for production: known passwords, nothing stored',
    users: USERNAMES,
    password: PASSWORD,
  });
});

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => {
    log('info', 'stopping', { signal });
    server.close(() => process.exit(0));
    server.closeIdleConnections();
    setTimeout(() => server.closeAllConnections(), DRAIN_MS).unref();
  });
}
