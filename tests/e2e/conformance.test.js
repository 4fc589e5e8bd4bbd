// The official conformance suite, for the scenarios that need no fixture, at every version that they apply to. Warnings
// fail too, and the number of successful checks is compared, so that none disappears unnoticed.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { System, outputDir } from './lib/system.js';

const SUITE = fileURLToPath(new URL('node_modules/@modelcontextprotocol/conformance/dist/index.js', import.meta.url));
const PRELOAD = pathToFileURL(fileURLToPath(new URL('lib/bearer_preload.js', import.meta.url))).href;

// Scenario, version, and how many checks succeed when everything is right.
const RUNS = [
  ['server-initialize', '2025-06-18', 3],
  ['server-initialize', '2025-11-25', 3],
  ['server-session-lifecycle', '2025-03-26', 3],
  ['server-session-lifecycle', '2025-06-18', 3],
  ['server-session-lifecycle', '2025-11-25', 3],
  ['ping', '2025-06-18', 2],
  ['ping', '2025-11-25', 2],
  ['tools-list', '2025-06-18', 2],
  ['tools-list', '2025-11-25', 3],
  ['tools-list', '2026-07-28', 4],
  ['dns-rebinding-protection', '2025-11-25', 2],
  ['dns-rebinding-protection', '2026-07-28', 2],
  // The second check of this one is INFO where `tools/list` is answered as JSON and not as a stream.
  ['server-sse-multiple-streams', '2025-11-25', 1],
  ['server-sse-multiple-streams', '2026-07-28', 1],
  ['http-header-validation', '2026-07-28', 14],
];

// whoami twice, the second time under another name: the order of a list shows only with two tools in it.
const twoTools = (port) => `tool_services:
  - name: whoami
    target: dns:///localhost:${port}
  - name: whoami-again
    target: dns:///localhost:${port}
    prefix: again_
`;

describe('the conformance suite', { timeout: 300_000 }, () => {
  const output = outputDir('conformance');
  const baseline = join(output, 'no_expected_failures.yml');
  let system;

  before(async () => {
    writeFileSync(baseline, 'server: []\n');
    system = await System.start('conformance', { toolServices: twoTools });
  });
  after(() => system?.stop());

  // Runs one scenario. Returns the exit code, what was printed, and the checks.
  async function run(scenario, version, token) {
    const dir = join(output, `${scenario}-${version}`);
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(dir);
    const args = [
      SUITE, 'server', '--url', system.mcpUrl, '--scenario', scenario, '--spec-version', version,
      '--expected-failures', baseline, '-o', dir,
    ];
    const env = { ...process.env, MCP_BEARER: token, NODE_OPTIONS: `--import ${PRELOAD}` };
    const { code, text } = await new Promise((resolve) => {
      execFile(process.execPath, args, { env }, (error, stdout, stderr) => resolve({ code: error?.code ?? 0, text: stdout + stderr }));
    });
    const [result] = readdirSync(dir, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const checks = result ? JSON.parse(readFileSync(join(dir, result.name, 'checks.json'), 'utf8')) : [];
    return { code, text, checks };
  }

  for (const [scenario, version, successes] of RUNS) {
    it(`${scenario} at ${version}`, async () => {
      const { code, text, checks } = await run(scenario, version, await system.token());
      assert.notEqual(checks.length, 0, text);
      const bad = checks.filter(({ status }) => !['SUCCESS', 'INFO'].includes(status));
      const explained = bad.map((check) => `${check.id} ${check.status}: ${check.errorMessage ?? check.description}`).join('\n');
      assert.equal(explained, '');
      assert.equal(code, 0, text);
      const count = checks.filter(({ status }) => status === 'SUCCESS').length;
      if (scenario === 'server-sse-multiple-streams') assert.ok(count >= successes && checks.length === 2, text);
      else assert.equal(count, successes, text);
    });
  }

  it('fails with a token that is not valid, so that the runs above show something', async () => {
    const { code } = await run('ping', '2025-11-25', 'not-a-token');
    assert.notEqual(code, 0);
  });
});
