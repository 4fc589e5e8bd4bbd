// Faults on purpose, for tests: a rule makes requests fail in a chosen way until it is cleared or has had its time. Only
// with --faults; everything is at /faults:
//
//   POST /faults           adds a rule (see RULE), answers 201
//   DELETE /faults         clears all rules; requests that stall are closed; answers 204
//   GET /faults/requests   how many requests there have been, as {"GET /oidc/me": 3, ...}, those that failed included
//   DELETE /faults/requests  starts counting from nothing, answers 204
//
// RULE: {"path": "/oidc/me", "kind": "error", ...}. A `path` that ends in * means every path that starts so. Kinds:
//   error    answers `status` (default 500) with the text that Logto sends while its database is away
//   answer   answers `status` (default 200) with `body`, JSON unless `headers` says otherwise: a hostile provider
//   stall    accepts the request and never answers
//   slow     answers as it should, `ms` milliseconds late
//   close    closes the connection without an answer
// Optional: `method`, `for_ms` (the rule ends by itself), `times` (the rule ends after so many requests), `after` (it lets so many
// requests pass first).

const MAX_BODY_BYTES = 4 * 1024 * 1024;
const CONTROL = '/faults';
const KINDS = ['error', 'answer', 'stall', 'slow', 'close'];

async function readJson(req) {
  let text = '';
  for await (const chunk of req) {
    text += chunk;
    if (text.length > MAX_BODY_BYTES) throw new Error('body too large');
  }
  return JSON.parse(text);
}

function sendJson(res, status, value) {
  res.writeHead(status, { 'Content-Type': 'application/json' });
  res.end(JSON.stringify(value));
}

export class Faults {
  #rules = [];
  #counts = new Map();
  #stalled = new Set(); // sockets

  /** Answers the request, and returns true, if it is for the control path or a rule says so. */
  async intercept(req, res, path) {
    if (path === CONTROL || path.startsWith(`${CONTROL}/`)) {
      await this.#control(req, res, path);
      return true;
    }
    const name = `${req.method} ${path}`;
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    const rule = this.#ruleFor(req.method, path);
    return rule !== undefined && this.#apply(rule, req, res);
  }

  async #control(req, res, path) {
    if (path === CONTROL && req.method === 'POST') {
      const rule = await readJson(req);
      if (typeof rule.path !== 'string' || !KINDS.includes(rule.kind))
        return sendJson(res, 400, { message: `a rule has a path and one of the kinds ${KINDS}` });
      this.#rules.push({ ...rule, endMs: performance.now() + (rule.for_ms ?? Infinity) });
      return sendJson(res, 201, {});
    }
    if (path === CONTROL && req.method === 'DELETE') {
      this.#rules = [];
      for (const socket of this.#stalled) socket.destroy();
      return res.writeHead(204).end();
    }
    if (path === `${CONTROL}/requests` && req.method === 'GET')
      return sendJson(res, 200, Object.fromEntries(this.#counts));
    if (path === `${CONTROL}/requests` && req.method === 'DELETE') {
      this.#counts.clear();
      return res.writeHead(204).end();
    }
    return sendJson(res, 404, { message: 'see lib/faults.js' });
  }

  #ruleFor(method, path) {
    this.#rules = this.#rules.filter(({ endMs, times }) => performance.now() < endMs && times !== 0);
    const matches = (rule) => (rule.path.endsWith('*') ? path.startsWith(rule.path.slice(0, -1)) : path === rule.path);
    const rule = this.#rules.find((candidate) => (candidate.method ?? method) === method && matches(candidate));
    if (rule?.after > 0) {
      rule.after -= 1;
      return undefined;
    }
    if (rule?.times) rule.times -= 1;
    return rule;
  }

  // Whether the request is done with.
  async #apply(rule, req, res) {
    const { socket } = req;
    switch (rule.kind) {
      case 'slow':
        await new Promise((resume) => setTimeout(resume, rule.ms ?? 1000));
        return false;
      case 'stall':
        this.#stalled.add(socket);
        socket.once('close', () => this.#stalled.delete(socket));
        return true;
      case 'close':
        socket.destroy();
        return true;
      case 'error':
        res.writeHead(rule.status ?? 500, { 'Content-Type': 'text/plain; charset=utf-8' });
        res.end('Internal Server Error');
        return true;
      default: {
        const body = typeof rule.body === 'string' ? rule.body : JSON.stringify(rule.body ?? {});
        res.writeHead(rule.status ?? 200, { 'Content-Type': 'application/json', ...rule.headers });
        res.end(body);
        return true;
      }
    }
  }
}
