// Signs in at the development provider without a browser and prints an access token on standard output.

import { parseArgs } from 'node:util';

import { SignInError, obtainMachineToken, obtainToken } from '../lib/sign_in.js';

const USAGE = `Usage: node bin/token.js [options]

  --issuer=URL     the provider (default http://localhost:3100/oidc)
  --user=NAME      alice or bob (default alice)
  --password=TEXT  (default: the one that the provider prints at start)
  --client=ID      a client of the provider (default smartmail)
  --scope=LIST     what the client asks for (default "openid profile email")
  --grant=LIST     what the user agrees to (default: everything asked for; "" refuses)
  --resource=URI   bind a JWT to this resource (default: the next)
  --default-resource=URI   the resource when neither --resource nor --opaque is given (default http://localhost:3001/mcp)
  --opaque         ask for no resource, which gives an opaque token
  --machine        no user: the token of the machine-to-machine client \`gatehouse\` for the Management API, or for --resource
  --json           print the whole token response
`;

const STRING = { type: 'string' };
const FLAG = { type: 'boolean' };

function fail(message, code) {
  process.stderr.write(`token: ${message}\n`);
  process.exit(code);
}

function readArgs() {
  try {
    const { values } = parseArgs({
      options: {
        issuer: { ...STRING, default: 'http://localhost:3100/oidc' },
        user: { ...STRING, default: 'alice' },
        password: STRING,
        client: { ...STRING, default: 'smartmail' },
        scope: { ...STRING, default: 'openid profile email' },
        grant: STRING,
        resource: STRING,
        'default-resource': { ...STRING, default: 'http://localhost:3001/mcp' },
        opaque: FLAG,
        machine: FLAG,
        json: FLAG,
        help: FLAG,
      },
    });
    if (values.opaque && values.resource) throw new Error('--opaque and --resource exclude each other');
    return values;
  } catch (error) {
    return fail(`${error.message.split('\n')[0]} (see --help)`, 2);
  }
}

const args = readArgs();
if (args.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}

function machineToken() {
  const { issuer, resource } = args;
  return obtainMachineToken({ issuer, resource });
}

function userToken() {
  return obtainToken({
    issuer: args.issuer,
    clientId: args.client,
    scope: args.scope,
    resource: args.opaque ? undefined : (args.resource ?? args['default-resource']),
    username: args.user,
    password: args.password,
    grant: args.grant?.split(' ').filter(Boolean),
  });
}

try {
  const response = await (args.machine ? machineToken() : userToken());
  process.stdout.write(`${args.json ? JSON.stringify(response) : response.access_token}\n`);
} catch (error) {
  if (error instanceof SignInError) fail(error.message, 1);
  throw error;
}
