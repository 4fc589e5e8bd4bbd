// A person with a real browser (headless Chromium) signs in while an official client waits on a loopback port, as a
// desktop agent does. Screenshots of what the person saw are kept in the output folder.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { chromium } from 'playwright-core';

import { PASSWORD } from '../../dev_provider/lib/users.js';
import { OAuthPerson } from './lib/oauth_person.js';
import { connectV2 } from './lib/official_clients.js';
import { System, outputDir } from './lib/system.js';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

// Waits for one answer on a loopback port, like a desktop agent.
async function callbackListener() {
  const { promise, resolve } = Promise.withResolvers();
  const server = createServer((req, res) => {
    const url = new URL(req.url, redirectUri);
    if (url.pathname !== '/callback') return res.writeHead(404).end();
    res.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end('<title>Done</title><p>You may close this window.</p>');
    return resolve(url);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const redirectUri = `http://127.0.0.1:${server.address().port}/callback`;
  return { redirectUri, answer: promise, close: () => server.close() };
}

describe('a person with a browser', { timeout: 180_000 }, () => {
  const screenshots = outputDir('browser');
  let system;
  let profileDir;
  let browser;

  before(async () => {
    assert.ok(existsSync(CHROMIUM), `no browser at ${CHROMIUM}: apt-get install chromium`);
    system = await System.start('browser');
    profileDir = mkdtempSync(join(tmpdir(), 'gatehouse-chromium-'));
    browser = await chromium.launchPersistentContext(profileDir, { executablePath: CHROMIUM, headless: true, args: FLAGS });
  });
  after(async () => {
    await browser?.close();
    await system?.stop();
    if (profileDir) rmSync(profileDir, { recursive: true, force: true });
  });

  const keep = (page, name) => page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });

  // Connects `clientId` with an official client; `act(page)` is what the person does once the page is there.
  async function connect(clientId, act) {
    await browser.clearCookies();
    const listener = await callbackListener();
    const page = await browser.newPage();
    const foreign = [];
    page.on('request', (request) => {
      const { hostname } = new URL(request.url());
      if (!['localhost', '127.0.0.1'].includes(hostname)) foreign.push(request.url());
    });
    const visit = async (url) => {
      await page.goto(url.href);
      await act(page);
      const answer = await listener.answer;
      await page.waitForURL(/\/callback\?/);
      return answer;
    };
    const person = new OAuthPerson({ clientId, visit, redirectUri: listener.redirectUri });
    try {
      const connection = await connectV2({ url: system.mcpUrl, person });
      return { ...connection, person };
    } catch (error) {
      return { error, person };
    } finally {
      listener.close();
      await page.close();
      assert.deepEqual(foreign, [], 'the pages load nothing from elsewhere');
    }
  }

  async function signIn(page, { password = PASSWORD } = {}) {
    await page.getByLabel('Username').fill('alice');
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }

  async function whoami(client) {
    const result = await client.callTool({ name: 'whoami', arguments: {} });
    await client.close();
    return JSON.parse(result.content[0].text);
  }

  it('sees who asks for what, grants the profile only, and whoami has no email', async () => {
    const { client, error } = await connect('smartmail', async (page) => {
      assert.match(await page.locator('body').innerText(), /unfit for production/);
      await keep(page, '1-sign-in');
      await signIn(page);
      await page.getByRole('heading', { name: /SmartMail/ }).waitFor();
      const text = await page.locator('main').innerText();
      for (const words of ['Your user id', 'Your profile', 'Your email address', 'alice', system.mcpUrl]) {
        assert.ok(text.includes(words), `the consent screen says "${words}"`);
      }
      assert.ok(await page.getByLabel('Your user id').isDisabled());
      await keep(page, '2-consent');
      await page.getByLabel('Your email address').uncheck();
      await page.setViewportSize({ width: 480, height: 720 });
      await keep(page, '3-consent-profile-only'); // docs/images/consent.png
      await page.getByRole('button', { name: 'Share selected' }).click();
    });
    assert.equal(error, undefined);
    const claims = await whoami(client);
    assert.equal(claims.username, 'alice');
    assert.equal(claims.name, 'Alice Example');
    assert.ok(!('email' in claims));
  });

  it('shares everything when nothing is unticked', async () => {
    const { client, error } = await connect('smartmail', async (page) => {
      await signIn(page);
      await page.getByRole('button', { name: 'Share selected' }).click();
    });
    assert.equal(error, undefined);
    assert.equal((await whoami(client)).email, 'alice@example.com');
  });

  it('refuses, and the client gets no token', async () => {
    const { error, person } = await connect('smartmail', async (page) => {
      await signIn(page);
      await page.getByRole('button', { name: 'Refuse' }).click();
    });
    assert.match(error.message, /access_denied/);
    assert.equal(person.callback.get('error'), 'access_denied');
    assert.equal(person.callback.get('code'), null);
    assert.equal(person.tokens(), undefined);
  });

  it('unticks everything, which is a refusal too', async () => {
    const { error, person } = await connect('smartmail', async (page) => {
      await signIn(page);
      await page.getByRole('button', { name: 'Share selected' }).waitFor();
      for (const box of await page.locator('input[name=grant]').all()) await box.uncheck();
      await page.getByRole('button', { name: 'Share selected' }).click();
    });
    assert.match(error.message, /access_denied/);
    assert.equal(person.tokens(), undefined);
  });

  it('sees no consent screen at the first-party app', async () => {
    const seen = [];
    const { client, error } = await connect('mailapp', async (page) => {
      page.on('framenavigated', (frame) => seen.push(new URL(frame.url()).pathname));
      await signIn(page);
    });
    assert.equal(error, undefined);
    assert.deepEqual(seen, ['/callback']);
    assert.equal((await whoami(client)).email, 'alice@example.com');
  });

  it('is told about a wrong password, and can try again', async () => {
    const { client, error } = await connect('mailapp', async (page) => {
      await signIn(page, { password: 'wrong' });
      await page.getByRole('alert').waitFor();
      assert.match(await page.getByRole('alert').innerText(), /Wrong username or password/);
      assert.equal(await page.getByLabel('Username').inputValue(), 'alice');
      await keep(page, '4-wrong-password');
      await signIn(page);
    });
    assert.equal(error, undefined);
    assert.equal((await whoami(client)).username, 'alice');
  });

  it('can do everything with the keyboard, on a small screen', async () => {
    const { client, error } = await connect('smartmail', async (page) => {
      await page.setViewportSize({ width: 360, height: 640 });
      await page.locator('input:focus').waitFor(); // the first field has the focus
      await page.keyboard.type('alice');
      await page.keyboard.press('Tab');
      await page.keyboard.type(PASSWORD);
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: /SmartMail/ }).waitFor();
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(overflow, 0, 'nothing is wider than the screen');
      await keep(page, '5-consent-small-screen');
      await page.getByLabel('Your email address').focus();
      await page.keyboard.press('Space');
      await page.getByRole('button', { name: 'Share selected' }).focus();
      await page.keyboard.press('Enter');
    });
    assert.equal(error, undefined);
    assert.ok(!('email' in (await whoami(client))));
  });

  it('signs out, and has to sign in again', async () => {
    const { client, person } = await connect('mailapp', signIn);
    await client.close();
    const nextStep = async () => {
      const response = await browser.request.get(person.authorizationUrl.href, { maxRedirects: 0 });
      return response.headers().location;
    };
    assert.match(await nextStep(), /^\/consent\//, 'still signed in');
    const page = await browser.newPage();
    await page.goto(`${system.issuer}/session/end`);
    await keep(page, '6-sign-out');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
    await page.close();
    assert.match(await nextStep(), /^\/sign-in\//);
  });
});
