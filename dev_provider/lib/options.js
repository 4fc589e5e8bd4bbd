// What the provider can be told, by flag or by environment variable, and the rules for it.

import { statSync } from 'node:fs';
import { parseArgs } from 'node:util';

export const USAGE = `Usage: node bin/provider.js [--port=3100] [--resource=URI]... [--state_dir=DIR] [--access_token_ttl=3600]
                            [--custom_claims=true] [--faults]

An OpenID Connect provider for development that behaves like Logto. UNFIT FOR PRODUCTION: known passwords, no storage.

  --port=N          listen on 127.0.0.1:N; the issuer is http://localhost:N/oidc   (DEV_PROVIDER_PORT)
  --resource=URI    a resource indicator (RFC 8707) that access tokens can be bound to; may be given several times
                    (DEV_PROVIDER_RESOURCES, separated by commas; default: the edge's /mcp and /sse on port 3001)
  --state_dir=DIR   keep keys, users, applications and all that was issued in this folder, so that they survive a restart
                    (DEV_PROVIDER_STATE_DIR)
  --access_token_ttl=N   lifetime of JWTs for those resources in seconds (default 3600)
  --custom_claims=true|false   whether JWTs carry username, name and email, as with a custom-claims script at Logto
                    (default true; Logto without a script: false)
  --faults          let tests make requests fail and count them: see lib/faults.js
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

function checkedLifetime(text) {
  const seconds = Number(text);
  if (!/^\d+$/.test(text) || seconds < 1 || seconds > 86_400) {
    throw new OptionError(`--access_token_ttl must be a number from 1 to 86400, got "${text}"`);
  }
  return seconds;
}

function checkedBoolean(name, text) {
  if (!['true', 'false'].includes(text)) throw new OptionError(`${name} must be true or false, got "${text}"`);
  return text === 'true';
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
      access_token_ttl: { type: 'string', default: '3600' },
      custom_claims: { type: 'string', default: 'true' },
      faults: { type: 'boolean', default: false },
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
    accessTokenTtl: checkedLifetime(values.access_token_ttl),
    customClaims: checkedBoolean('--custom_claims', values.custom_claims),
    faults: values.faults,
    stateDir: checkedStateDir(values.state_dir ?? env.DEV_PROVIDER_STATE_DIR),
  };
}
