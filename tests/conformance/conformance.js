// The official conformance suite against the running system: edge, auth_service, development provider and the fixture
// (tool_service/conformance), with a real bearer token. Five strict runs: each version, and each scenario at the version
// that it chooses. Prints the matrix of scenarios and versions with the number of checks that succeeded, then what was
// wrong, and last "N passed, N failed". Warnings fail; so does any number of checks but the expected one (expected.js).
//
// Arguments: scenarios to look at (default all; the suite runs them all the same).

import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { System, outputDir } from '../e2e/lib/system.js';
import { EXPECTED, INFO_FOR_SUCCESS, NEUTRAL, OWN_WIRE, VERSIONS, pairs } from './expected.js';

const SUITE = fileURLToPath(new URL('../e2e/node_modules/@modelcontextprotocol/conformance/dist/index.js', import.meta.url));
const PRELOAD = pathToFileURL(fileURLToPath(new URL('../e2e/lib/bearer_preload.js', import.meta.url))).href;
const RUN_TIMEOUT_MS = 300_000;

/** Runs the suite. Returns its exit code and what it printed. */
function runSuite(args, token) {
  const env = { ...process.env, MCP_BEARER: token, NODE_OPTIONS: `--import ${PRELOAD}` };
  return new Promise((resolve) => {
    const options = { env, timeout: RUN_TIMEOUT_MS, maxBuffer: 64 << 20 };
    execFile(process.execPath, [SUITE, 'server', ...args], options, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? (error ? 1 : 0), text: stdout + stderr });
    });
  });
}

/** The checks that a run has written, by scenario. */
function readChecks(dir) {
  const checks = new Map();
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const scenario = /^server-(.+)-\d{4}-\d{2}-\d{2}T/.exec(entry.name)?.[1];
    if (entry.isDirectory() && scenario) checks.set(scenario, JSON.parse(readFileSync(join(dir, entry.name, 'checks.json'), 'utf8')));
  }
  return checks;
}

function countStatuses(checks) {
  const counts = { SUCCESS: 0, FAILURE: 0, WARNING: 0, SKIPPED: 0, INFO: 0 };
  for (const { status } of checks) ++counts[status];
  return counts;
}

/** What is wrong with the checks of a scenario that should have `successes`; empty when nothing is. */
function complaints(scenario, checks, successes) {
  if (!checks) return ['did not run'];
  const counts = countStatuses(checks);
  const wrong = checks
    .filter(({ status }) => status === 'FAILURE' || status === 'WARNING')
    .map(({ id, status, errorMessage, description }) => `${status} ${id}: ${errorMessage ?? description}`);
  const neutral = { INFO: 0, SKIPPED: 0, ...NEUTRAL[scenario] };
  const isOneShort = scenario === INFO_FOR_SUCCESS && counts.SUCCESS + counts.INFO === successes + 1;
  if (!isOneShort && counts.SUCCESS !== successes) wrong.push(`${counts.SUCCESS} checks succeeded, not ${successes}`);
  for (const status of ['INFO', 'SKIPPED']) {
    if (!isOneShort && counts[status] !== neutral[status]) wrong.push(`${counts[status]} checks are ${status}, not ${neutral[status]}`);
  }
  return wrong;
}

function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join('  ').trimEnd());
}

async function main() {
  const chosen = process.argv.slice(2);
  for (const name of chosen) {
    if (!EXPECTED.has(name)) throw new Error(`there is no scenario ${name}`);
  }
  const output = outputDir('conformance');
  const baseline = join(output, 'no_expected_failures.yml');
  writeFileSync(baseline, 'server: []\n');
  const startMs = performance.now();
  const system = await System.start('conformance', { tools: ['conformance', 'whoami'], edgeFlags: ['--skills'] });
  const runs = new Map(); // version -> {code, text, checks}
  let refused;
  try {
    const strict = ['--url', system.mcpUrl, '--expected-failures', baseline];
    for (const version of [...VERSIONS, OWN_WIRE]) {
      const dir = join(output, version);
      rmSync(dir, { recursive: true, force: true });
      mkdirSync(dir);
      const args = ['--suite', 'all', ...(version === OWN_WIRE ? [] : ['--spec-version', version]), '-o', dir];
      const { code, text } = await runSuite([...strict, ...args], await system.token());
      writeFileSync(join(dir, 'output.txt'), text);
      runs.set(version, { code, text, checks: readChecks(dir) });
    }
    refused = await runSuite([...strict, '--scenario', 'tools-list', '--spec-version', '2026-07-28'], 'not-a-token');
  } finally {
    await system.stop();
  }

  let [passed, failed] = [0, 0];
  const details = [];
  const cells = new Map(); // scenario -> version -> text
  for (const { scenario, version, runs: ran } of pairs()) {
    if (chosen.length > 0 && !chosen.includes(scenario)) continue;
    const wrong = ran.flatMap((run) =>
      complaints(scenario, runs.get(run).checks.get(scenario), EXPECTED.get(scenario).get(run)).map((text) =>
        run === version ? text : `${text} (where the suite chose the version)`,
      ),
    );
    const { SUCCESS } = countStatuses(runs.get(ran[0]).checks.get(scenario) ?? []);
    if (!cells.has(scenario)) cells.set(scenario, new Map());
    cells.get(scenario).set(version, wrong.length === 0 ? `${SUCCESS}` : `FAIL ${SUCCESS}`);
    if (wrong.length === 0) ++passed;
    else {
      ++failed;
      details.push(`FAIL  ${scenario} at ${version}`, ...wrong.map((text) => `      ${text.slice(0, 500)}`));
    }
  }

  const rows = [['scenario', ...VERSIONS]];
  for (const [scenario, byVersion] of cells) rows.push([scenario, ...VERSIONS.map((version) => byVersion.get(version) ?? '')]);
  console.log(table(rows).join('\n'));
  const more = [];
  console.log('\nchecks of each run:');
  for (const [version, { code, checks, text }] of runs) {
    const counts = countStatuses([...checks.values()].flat());
    const summary = Object.entries(counts).filter(([, count]) => count > 0).map(([status, count]) => `${count} ${status}`).join(', ');
    console.log(`  ${version === OWN_WIRE ? 'each at its own' : version}: ${checks.size} scenarios, ${summary || 'nothing'}`);
    // What the matrix does not show: a scenario that nobody here knows of, or a suite that ended badly.
    const unknown = [...checks.keys()].filter((scenario) => !EXPECTED.get(scenario)?.has(version));
    if (unknown.length > 0) more.push(`FAIL  unexpected scenarios in the run ${version}: ${unknown.join(', ')}`);
    if (code !== 0 && details.length === 0) more.push(`FAIL  the run ${version} ended with code ${code}: ${text.slice(-1000)}`);
  }
  failed += more.length;
  if (chosen.length === 0) {
    const ok = refused.code !== 0;
    if (ok) ++passed;
    else ++failed;
    console.log(`${ok ? 'ok  ' : 'FAIL'}  a run without a valid token fails`);
  }
  if (failed > 0) console.log(`\n${[...details, ...more].join('\n')}`);
  console.log(`\n${cells.size} scenarios, ${[...cells.values()].reduce((sum, byVersion) => sum + byVersion.size, 0)} pairs with a version, ` +
    `${((performance.now() - startMs) / 1000).toFixed(0)} s; details in ${output}/`);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

await main();
