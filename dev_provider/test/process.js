// Starts the real process for a test.

import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

export const MAIN = fileURLToPath(new URL('../bin/provider.js', import.meta.url));
export const RESOURCE = 'http://localhost:3001/mcp';

/** A port of 127.0.0.1 that is free: none of those that the operating system gives to connections, which could take it. */
export async function freePort() {
  for (;;) {
    const port = randomInt(15_000, 30_000);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(() => true, () => false);
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** Starts the provider on a port and returns the process once it is ready. */
export async function start(port, ...args) {
  const child = spawn(process.execPath, [MAIN, `--port=${port}`, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  child.stderr.setEncoding('utf8');
  for await (const [chunk] of on(child.stderr)) if (chunk.includes('"ready"')) break;
  child.stderr.resume();
  return child;
}

// Chunks of a stream until it is left; unlike `for await (… of stream)`, leaving does not destroy the stream.
async function* on(stream) {
  while (true) yield once(stream, 'data');
}

/** Stops it and returns the exit code. */
export async function stop(child, signal = 'SIGTERM') {
  child.kill(signal);
  return (await once(child, 'exit'))[0];
}

/** Header and claims of a JWT. */
export function decode(jwt) {
  return jwt.split('.', 2).map((part) => JSON.parse(Buffer.from(part, 'base64url')));
}
