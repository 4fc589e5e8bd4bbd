// gatehouse-doctor against the real system: what it says must be what then happens.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { callWhoami } from './lib/mcp.js';
import { System, binary } from './lib/system.js';

const SECRET = 'gatehouse-demo-secret';

describe('the doctor', { timeout: 120_000 }, () => {
  let system;
  let folder;
  let credentials;
  before(async () => {
    system = await System.start('doctor');
    folder = mkdtempSync(join(tmpdir(), 'gatehouse-doctor-'));
    const files = [file('id', 'gatehouse\n'), file('secret', `${SECRET}\n`)];
    credentials = ['', 'introspection_', 'logto_'].flatMap((kind) => [
      `--${kind}client_id_file=${files[0]}`, `--${kind}client_secret_file=${files[1]}`,
    ]);
  });
  after(async () => {
    await system?.stop();
    if (folder) rmSync(folder, { recursive: true });
  });

  function file(name, content) {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  }

  // Its exit code, all that it wrote, and its checks by name.
  async function examine(...flags) {
    const child = spawn(binary('doctor'), [`--issuer=${system.issuer}`, `--resource=${system.mcpUrl}`, '--json', ...flags]);
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (data) => (text += data));
    const [code] = await once(child, 'close');
    const { checks = [] } = JSON.parse(text);
    return { code, text, checks: Object.fromEntries(checks.map((check) => [check.check, check])) };
  }

  it('finds a good system well, and foretells what whoami shows', async () => {
    const token = await system.token();
    const { code, text, checks } = await examine('--client_id=smartmail', `--token_file=${file('token', token)}`, ...credentials);
    assert.equal(code, 0, text);
    for (const name of ['discovery', 'issuer', 'clock', 'pkce', 'iss', 'keys', 'edge', 'client', 'resource', 'consent', 'machine_token',
      'introspection', 'management_api', 'permissions', 'token']) {
      assert.equal(checks[name]?.outcome, 'ok', `${name}: ${checks[name]?.text}`);
    }
    const foretold = checks['whoami.token'].text.replace(/.* shows /, '').split(', ');
    const { body } = await callWhoami(system, token);
    assert.deepEqual(foretold.sort(), Object.keys(JSON.parse(body.result.content[0].text)).sort());
    for (const secret of [token, SECRET]) assert.ok(!text.includes(secret));
  });

  it('would refuse a token for another resource, and so does the edge', async () => {
    const token = await system.token({ resource: system.sseUrl });
    const { code, checks } = await examine(`--token_file=${file('other', token)}`);
    assert.equal(code, 1);
    assert.equal(checks.token.outcome, 'failure');
    assert.match(checks.token.advice, /resource=/);
    assert.equal((await callWhoami(system, token)).status, 401);
  });

  it('knows a token that it can say little about', async () => {
    const token = await system.token({ resource: null });
    const { checks } = await examine(`--token_file=${file('opaque', token)}`, ...credentials);
    assert.equal(checks.token.outcome, 'warning');
    assert.match(checks.token.text, /active, client "smartmail"/);
    assert.match(checks['whoami.userinfo'].text, /shows .*\bemail\b/);
  });

  it('names what is not registered', async () => {
    const { code, checks } = await examine('--client_id=smartmail', `--resource=${system.origin}/elsewhere`, ...credentials);
    assert.equal(code, 1);
    for (const name of ['resource', 'machine_token']) assert.match(checks[name].text, /invalid_target/);
    assert.equal((await examine('--client_id=nobody')).checks.client.outcome, 'failure');
  });
});
