// Runs the official MCP client (@modelcontextprotocol/client) through the whole flow against a running edge: 401,
// discovery, sign-in, token, `whoami`. Steps go to standard error, the claims to standard output.

import { parseArgs } from 'node:util';

import { OAuthPerson, browserless } from '../lib/oauth_person.js';
import { connectV2 } from '../lib/official_clients.js';

const USAGE = `Usage: whoami [options]

  --url=URL      the MCP endpoint (default http://localhost:3001/mcp)
  --user=NAME    alice or bob (default alice)
  --client=ID    mailapp or smartmail (default smartmail)
  --grant=LIST   what the user agrees to share, e.g. "profile" (default: everything asked for; "" refuses)
  --mode=MODE    auto, legacy, or a version to insist on, e.g. 2026-07-28 (default auto)
  --quiet        print the claims only
`;

const STRING = { type: 'string' };
const FLAG = { type: 'boolean' };

function fail(message, code) {
  process.stderr.write(`whoami: ${message}\n`);
  process.exit(code);
}

function readArgs() {
  try {
    return parseArgs({
      options: {
        url: { ...STRING, default: 'http://localhost:3001/mcp' },
        user: { ...STRING, default: 'alice' },
        client: { ...STRING, default: 'smartmail' },
        grant: STRING,
        mode: { ...STRING, default: 'auto' },
        quiet: FLAG,
        help: FLAG,
      },
    }).values;
  } catch (error) {
    return fail(`${error.message.split('\n')[0]} (see --help)`, 2);
  }
}

const args = readArgs();
if (args.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
const say = (line) => args.quiet || process.stderr.write(`${line}\n`);

// Shows each request of the client with its answer. The query is left out: it may hold codes.
async function watchedFetch(input, init) {
  const response = await fetch(input, init);
  const url = new URL(input.url ?? input);
  say(`  ${(init?.method ?? 'GET').padEnd(6)} ${url.origin}${url.pathname}  ->  ${response.status}`);
  return response;
}

const visit = browserless({ username: args.user, grant: args.grant?.split(' ').filter(Boolean) });
const person = new OAuthPerson({ clientId: args.client, visit });
try {
  say(`${args.user} connects ${args.client} to ${args.url}:`);
  const { client } = await connectV2({ url: args.url, person, mode: args.mode, fetch: watchedFetch });
  const version = client.getNegotiatedProtocolVersion();
  const result = await client.callTool({ name: 'whoami' });
  await client.close();
  if (result.isError) fail(`the tool failed: ${result.content?.[0]?.text}`, 1);
  say(`protocol ${version}, whoami says:`);
  process.stdout.write(`${JSON.stringify(JSON.parse(result.content[0].text), null, 2)}\n`);
} catch (error) {
  fail(error.cause?.message ? `${error.message}: ${error.cause.message}` : error.message, 1);
}
