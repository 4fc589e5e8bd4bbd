// What the edge renders, for each version and kind of message (mcp_edge/protocol/testdata/golden/), is what the official
// schema of that version has. The edge's own tests show that it renders exactly these files.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { VERSIONS, messageViolations, violations } from './lib/schema_check.js';
import { ROOT } from './lib/system.js';

const GOLDEN = join(ROOT, 'mcp_edge', 'protocol', 'testdata', 'golden');

// A definition names either the whole message or what is in it.
function violationsOf(version, definition, message) {
  const wrong = messageViolations(version, message);
  if (!definition) return wrong;
  const whole = violations(version, definition, message);
  if (whole.length === 0) return wrong;
  const part = message.result ?? message.error ?? message.params;
  return [...wrong, ...(part === undefined ? whole : violations(version, definition, part))];
}

describe('golden messages', () => {
  for (const version of VERSIONS) {
    const folder = join(GOLDEN, version);
    const files = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.json')).sort() : [];
    it(`there are some of ${version}`, () => assert.notEqual(files.length, 0));
    for (const file of files) {
      it(`${version}/${file}`, () => {
        const { definition, message } = JSON.parse(readFileSync(join(folder, file), 'utf8'));
        assert.deepEqual(violationsOf(version, definition, message), []);
      });
    }
  }

  it('a message with a field of the wrong type is refused, so that the tests above show something', () => {
    for (const version of VERSIONS) {
      const wrong = { jsonrpc: '2.0', id: 1, result: { tools: [{ name: 5, inputSchema: { type: 'object' } }], resultType: 'complete', ttlMs: 1, cacheScope: 'public' } };
      assert.notDeepEqual(violationsOf(version, 'ListToolsResult', wrong), []);
    }
  });
});
