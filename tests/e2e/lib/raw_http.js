// HTTP written by hand, byte by byte, for requests that no client library would send.

import { connect } from 'node:net';

/** Splits what came back on a connection into `{status, headers, body}`; status 0 when nothing did. */
function parse(text) {
  const end = text.indexOf('\r\n\r\n');
  const [statusLine, ...lines] = text.slice(0, end === -1 ? undefined : end).split('\r\n');
  const headers = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const body = end === -1 ? '' : text.slice(end + 4);
  let json;
  try {
    json = JSON.parse(body);
  } catch {
    // not JSON
  }
  return { status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1] ?? 0), headers, body, json };
}

function isComplete({ status, headers, body }) {
  if (status === 0) return false;
  if (headers['content-length'] !== undefined) return Buffer.byteLength(body, 'latin1') >= Number(headers['content-length']);
  return [204, 202, 304].includes(status);
}

/**
 * Sends `chunks` (strings or buffers, one after the other) to 127.0.0.1:`port` and returns the answer, or what there is
 * of it when the server closes. `end`: close our side afterwards. Throws when nothing happens for `timeoutMs`.
 * `chunks` may be an endless generator: sending stops when an answer arrives.
 */
export function exchange(port, chunks, { end = false, timeoutMs = 15_000 } = {}) {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let text = '';
    let done = false;
    const finish = (error) => {
      if (done) return;
      done = true;
      socket.destroy();
      if (error) reject(error);
      else resolve(parse(text));
    };
    socket.setTimeout(timeoutMs, () => finish(new Error(`no answer for ${timeoutMs} ms, got ${JSON.stringify(text.slice(0, 200))}`)));
    socket.setEncoding('latin1');
    socket.on('data', (data) => {
      text += data;
      if (isComplete(parse(text))) finish();
    });
    socket.on('end', () => finish());
    // A server that refuses a large upload may close while we still write.
    socket.on('error', (error) => (['ECONNRESET', 'EPIPE'].includes(error.code) ? finish() : finish(error)));
    socket.on('connect', async () => {
      for (const chunk of chunks) {
        if (done) return;
        if (!socket.write(chunk)) await new Promise((resume) => socket.once('drain', resume).once('close', resume));
      }
      if (end) socket.end();
    });
  });
}

/** The text of a request. `headers`: pairs, in order, repeated as often as wished. */
export function requestText(method, target, headers, body = '') {
  const lines = headers.map(([name, value]) => `${name}: ${value}`);
  return [`${method} ${target} HTTP/1.1`, ...lines, '', body].join('\r\n');
}
