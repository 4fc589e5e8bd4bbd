// Structured logs in the format of //common:log: one JSON object per line on standard error.
// Never pass a token, a password or a body.

/** Writes one line. `severity` is debug, info, warning or error; `event` a fixed name in snake_case. */
export function log(severity, event, fields = {}) {
  const line = { time: new Date().toISOString(), severity: severity.toUpperCase(), service: 'dev_provider', event, ...fields };
  process.stderr.write(`${JSON.stringify(line)}\n`);
}
