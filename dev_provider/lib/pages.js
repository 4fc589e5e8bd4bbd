// The HTML pages: sign-in, consent, sign-out, error. No script, no image, nothing loaded from elsewhere.
// Every value goes through `html`, which escapes it.

class Markup {
  constructor(text) {
    this.text = text;
  }
}

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function rendered(value) {
  if (value instanceof Markup) return value.text;
  if (Array.isArray(value)) return value.map(rendered).join('');
  return String(value ?? '').replace(/[&<>"']/g, (character) => ENTITIES[character]);
}

function html(strings, ...values) {
  return new Markup(strings.reduce((text, part, index) => text + rendered(values[index - 1]) + part));
}

const STYLE = new Markup(`
  :root { color-scheme: light dark; --ink: #1c2330; --soft: #566074; --line: #d5dae3; --card: #fff; --page: #f2f4f8;
          --accent: #1f5fbf; --accent-ink: #fff; --bad: #a3201d; --note: #fff4d6; --note-ink: #5c4300; }
  @media (prefers-color-scheme: dark) {
    :root { --ink: #e8ebf1; --soft: #a9b2c3; --line: #3a4354; --card: #1d2430; --page: #12161e;
            --accent: #7fb0ff; --accent-ink: #0b1526; --bad: #ff9c97; --note: #3a2f10; --note-ink: #ffe2a1; } }
  * { box-sizing: border-box; }
  body { margin: 0; padding-bottom: 1rem; min-height: 100vh; display: flex; flex-direction: column; gap: 1rem; background: var(--page); color: var(--ink);
         font: 1rem/1.5 system-ui, sans-serif; }
  .note { margin: 0; padding: .5rem 1rem; text-align: center; font-size: .875rem; background: var(--note); color: var(--note-ink); }
  main { width: min(27rem, calc(100% - 2rem)); margin: auto; padding: 2rem; background: var(--card);
         border: 1px solid var(--line); border-radius: .75rem; }
  h1 { text-wrap: balance; margin: 0 0 .5rem; font-size: 1.375rem; line-height: 1.3; }
  p { margin: 0 0 1rem; }
  .soft { color: var(--soft); font-size: .9375rem; }
  .error { color: var(--bad); font-weight: 600; }
  label { display: block; font-weight: 600; }
  input[type=text], input[type=password] { width: 100%; margin: .25rem 0 1rem; padding: .625rem .75rem; font: inherit; color: inherit;
         background: transparent; border: 1px solid var(--soft); border-radius: .5rem; }
  fieldset { margin: 0 0 1.25rem; padding: 0; border: 0; }
  legend { padding: 0; font-weight: 600; margin-bottom: .5rem; }
  .kind { display: grid; grid-template-columns: auto 1fr; column-gap: .75rem; padding: .75rem 0; border-top: 1px solid var(--line); font-weight: 400; }
  .kind input { width: 1.125rem; height: 1.125rem; margin: .1875rem 0 0; accent-color: var(--accent); }
  .kind strong { display: block; }
  .actions { display: flex; gap: .75rem; }
  button { flex: 1; padding: .6875rem 1rem; font: inherit; font-weight: 600; border: 1px solid var(--accent); border-radius: .5rem; cursor: pointer;
         color: var(--accent); background: transparent; }
  button.main { color: var(--accent-ink); background: var(--accent); }
  :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
  code { font-family: ui-monospace, monospace; font-size: .875em; overflow-wrap: anywhere; }
`);

function page(title, content) {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<p class="note" role="note">Development only, unfit for production: made-up users, known passwords.</p>
<main>
${content}
</main>
</body>
</html>
`.text;
}

/** The sign-in form. `problem`: what was wrong with the attempt before this one. */
export function signInPage({ action, clientName, username = '', problem, usernames, password }) {
  const error = problem ? html`<p class="error" role="alert">${problem}</p>` : '';
  return page(
    `Sign in to continue to ${clientName}`,
    html`<h1>Sign in</h1>
<p class="soft">to continue to <strong>${clientName}</strong></p>
${error}
<form method="post" action="${action}">
<label for="username">Username</label>
<input type="text" id="username" name="username" value="${username}" autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus>
<label for="password">Password</label>
<input type="password" id="password" name="password" autocomplete="current-password" required>
<div class="actions"><button class="main" type="submit">Sign in</button></div>
</form>
<p class="soft" style="margin: 1.25rem 0 0">Users: ${usernames.map((name, index) => html`${index ? ', ' : ''}<code>${name}</code>`)}. Password: <code>${password}</code></p>`,
  );
}

// The kinds of data, in the words that the user reads. `openid` alone cannot be refused: without it there is no sign-in.
const KINDS = {
  openid: { title: 'Your user id', text: 'An opaque name by which the app recognises you. Always shared.' },
  profile: { title: 'Your profile', text: 'Username, name and picture.' },
  email: { title: 'Your email address', text: 'The address itself, and whether it is verified.' },
  offline_access: { title: 'Access while you are away', text: 'The app may renew its access without asking you again.' },
};

function kind({ name, text: description }) {
  const { title, text } = KINDS[name] ?? { title: description || name, text: name };
  const required = name === 'openid';
  const box = required
    ? html`<input type="checkbox" id="grant-${name}" checked disabled>`
    : html`<input type="checkbox" id="grant-${name}" name="grant" value="${name}" checked>`;
  return html`<label class="kind" for="grant-${name}">${box}<span><strong>${title}</strong><span class="soft">${text}</span></span></label>`;
}

/**
 * The consent form. `scopes`: `{name, text}` of those not granted yet, `text` for those of resources; `resources`: for
 * which servers the app wants the access.
 */
export function consentPage({ action, clientName, username, scopes, resources }) {
  const target = resources.length
    ? html`<p class="soft">It will use them at ${resources.map((uri, index) => html`${index ? ', ' : ''}<code>${uri}</code>`)}.</p>`
    : '';
  return page(
    `${clientName} asks for access`,
    html`<h1>${clientName} wants to know about you</h1>
<p class="soft">${clientName} is not run by this organisation. You are signed in as <strong>${username}</strong>.</p>
<form method="post" action="${action}">
<fieldset>
<legend>Choose what to share</legend>
${scopes.map(kind)}
</fieldset>
${target}
<div class="actions">
<button type="submit" name="decision" value="refuse">Refuse</button>
<button class="main" type="submit" name="decision" value="allow">Share selected</button>
</div>
</form>`,
  );
}

/** Asks whether to sign out. `form`: the form element that oidc-provider made; the button belongs to it. */
export function signOutPage(form) {
  return page(
    'Sign out',
    html`<h1>Sign out?</h1>
${new Markup(form)}
<div class="actions">
<button class="main" type="submit" form="op.logoutForm" name="logout" value="yes">Sign out</button>
</div>`,
  );
}

export function signedOutPage() {
  return page('Signed out', html`<h1>You are signed out</h1>`);
}

export function errorPage(message) {
  return page('Something went wrong', html`<h1>Something went wrong</h1><p>${message}</p>`);
}
