// Reports a run of node:test: a line per test, the error below the ones that failed, and last "N passed, N failed".

import { basename } from 'node:path';

const files = new Map(); // file -> the suites that are open, outermost first

function titleOf(data) {
  const open = files.get(data.file)?.slice(0, data.nesting) ?? [];
  return [basename(data.file ?? '', '.test.js'), ...open, data.name].join(' > ');
}

function indent(text) {
  return text.replace(/^/gm, '      ');
}

export default async function* report(source) {
  let [passed, failed] = [0, 0];
  for await (const { type, data } of source) {
    if (type === 'test:start') {
      const open = files.get(data.file) ?? [];
      files.set(data.file, [...open.slice(0, data.nesting), data.name]);
    } else if (type === 'test:pass' || type === 'test:fail') {
      const isSuite = data.details?.type === 'suite';
      const cause = data.details?.error?.cause ?? data.details?.error;
      // A suite fails with its tests; it is news only when its own set-up or clean-up failed.
      if (isSuite && (type === 'test:pass' || data.details.error?.failureType === 'subtestsFailed')) continue;
      if (data.skip !== undefined || data.todo !== undefined) {
        yield `skip  ${titleOf(data)}\n`;
      } else if (type === 'test:pass') {
        ++passed;
        yield `ok    ${titleOf(data)} (${(data.details.duration_ms / 1000).toFixed(1)} s)\n`;
      } else {
        ++failed;
        yield `FAIL  ${titleOf(data)} (${(data.details.duration_ms / 1000).toFixed(1)} s)\n${indent(String(cause?.stack ?? cause))}\n`;
      }
    } else if (type === 'test:stderr') {
      yield indent(data.message.trimEnd()) + '\n';
    }
  }
  yield `${passed} passed, ${failed} failed\n`;
}
