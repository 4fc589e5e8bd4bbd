// What the provider can be told, by flag or by environment variable, and the rules for it.

import { statSync } from 'node:fs';
import { parseArgs } from 'node:util';

export const USAGE = `Usage: node bin/provider.js [--port=3100] [--resource=URI]... [--state_dir=DIR]

An OpenID Connect provider for development that behaves like Logto. UNFIT FOR PRODUCTION: known passwords, no storage.

  --port=N          listen on 127.0.0.1:N; the issuer is http://localhost:N/oidc   (DEV_PROVIDER_PORT)
  --resource=URI    a resource indicator (RFC 8707) that access tokens can be bound to; may be given several times
                    (DEV_PROVIDER_RESOURCES, separated by commas; default: the edge's /mcp and /sse on port 3001)
  --state_dir=DIR   keep the signing key in this folder, so that JWTs survive a restart   (DEV_PROVIDER_STATE_DIR)
`;

const DEFAULT_RESOURCES = ['http://localhost:3001/mcp', 'http://localhost:3001/sse'];

/** A wrong setting. The message names it, the rule and the value. */
export class OptionError extends Error {}

function checkedPort(text) {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65535) {
    throw new OptionError(`--port must be a number from 1 to 65535, got "${text}"`);
  }
  return port;
}

function checkedResources(resources) {
  for (const resource of resources) {
    if (!URL.canParse(resource) || resource.includes('#')) {
      throw new OptionError(`--resource must be an absolute URI without a fragment, got "${resource}"`);
    }
  }
  return resources;
}

function checkedStateDir(path) {
  if (path && !statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new OptionError(`--state_dir must be an existing folder, got "${path}"`);
  }
  return path;
}

/** Reads and checks the settings. Throws OptionError. */
export function readOptions(args, env) {
  if (env.NODE_ENV === 'production') {
    throw new OptionError('refuses to run with NODE_ENV=production: it is for development only');
  }
  let values;
  try {
    const options = {
      port: { type: 'string' },
      resource: { type: 'string', multiple: true },
      state_dir: { type: 'string' },
      help: { type: 'boolean' },
    };
    ({ values } = parseArgs({ args, options }));
  } catch (error) {
    throw new OptionError(`${error.message.split('\n')[0]} (see --help)`);
  }
  if (values.help) return { help: true };
  const port = checkedPort(values.port ?? env.DEV_PROVIDER_PORT ?? '3100');
  return {
    port,
    issuer: `http://localhost:${port}/oidc`,
    resources: checkedResources(values.resource ?? env.DEV_PROVIDER_RESOURCES?.split(',') ?? DEFAULT_RESOURCES),
    stateDir: checkedStateDir(values.state_dir ?? env.DEV_PROVIDER_STATE_DIR),
  };
}
