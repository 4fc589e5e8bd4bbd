// The steps between an authorization request and its answer: sign-in and consent.
//
// A step belongs to the browser that holds oidc-provider's interaction cookie (SameSite=Lax, bound to the path of this
// one step), so that a form posted from another site or another browser finds no interaction and is refused.

import { consentPage, errorPage, signInPage } from './pages.js';
import { USER_SCOPES } from './tenant.js';
import { PASSWORD, USERNAMES } from './users.js';

const MAX_FORM_BYTES = 16 * 1024;

async function readForm(req) {
  let body = '';
  for await (const chunk of req) {
    body += chunk;
    if (body.length > MAX_FORM_BYTES) throw new Error('form too large');
  }
  return new URLSearchParams(body);
}

function send(res, status, body, formTarget = "'self'") {
  res.writeHead(status, {
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-store',
    // The browser applies form-action to the redirects after a form too, hence the client's own address in it.
    'Content-Security-Policy': `default-src 'none'; style-src 'unsafe-inline'; form-action ${formTarget}; frame-ancestors 'none'; base-uri 'none'`,
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
  });
  res.end(body);
}

/** Handles /sign-in/:uid and /consent/:uid for one provider. `host.provider`: the provider of the moment. */
export class Interactions {
  #host;
  #tenant;

  constructor(host, tenant) {
    this.#host = host;
    this.#tenant = tenant;
  }

  get #provider() {
    return this.#host.provider;
  }

  /** Handles the request if it is for one of the two pages, and says whether it was. */
  async handle(req, res) {
    const match = /^\/(sign-in|consent)\/([\w-]+)$/.exec(new URL(req.url, this.#provider.issuer).pathname);
    if (!match || !['GET', 'POST'].includes(req.method)) return false;
    const [path, name, uid] = match;
    let details;
    try {
      details = await this.#provider.interactionDetails(req, res);
      if (details.uid !== uid) throw new Error('another interaction');
    } catch {
      send(
        res,
        400,
        errorPage('This step has expired or belongs to another browser. Please start again from the application.'),
      );
      return true;
    }
    const client = await this.#provider.Client.find(details.params.client_id);
    const step = { req, res, details, client, action: path };
    if ((details.prompt.name === 'login') !== (name === 'sign-in')) {
      send(res, 400, errorPage('This step is over. Please start again from the application.'));
    } else if (name === 'sign-in') {
      await this.#signIn(step);
    } else {
      await this.#consent(step);
    }
    return true;
  }

  async #signIn({ req, res, details, client, action }) {
    const show = (status, attempt) => {
      const content = { action, clientName: client.clientName, usernames: USERNAMES, password: PASSWORD, ...attempt };
      send(res, status, signInPage(content), this.#formTarget(details));
    };
    if (req.method === 'GET') return show(200, {});
    const form = await readForm(req);
    const username = form.get('username')?.trim();
    const user = this.#tenant.authenticate(username, form.get('password'));
    if (!user) return show(422, { username, problem: 'Wrong username or password.' });
    if (user.isSuspended) return show(401, { username, problem: 'This user is suspended.' });
    user.lastSignInAt = Date.now();
    return this.#finish(req, res, { login: { accountId: user.id } });
  }

  async #consent({ req, res, details, client, action }) {
    const missing = this.#missingScopes(details);
    const all = [...missing.user, ...Object.values(missing.ofResource).flat()];
    if (!this.#tenant.application(client.clientId)?.isThirdParty) return this.#grant(req, res, details, missing, all);
    if (all.length === 0) return this.#grant(req, res, details, missing, []);
    if (req.method === 'GET') {
      const { username } = this.#tenant.activeUser(details.session.accountId) ?? {};
      const resources = [details.params.resource ?? []].flat();
      const scopes = [...new Set(all)].map((name) => ({ name, text: this.#tenant.scopeDescription(name) }));
      const content = { action, clientName: client.clientName, username, scopes, resources };
      return send(res, 200, consentPage(content), this.#formTarget(details));
    }
    const form = await readForm(req);
    const optional = all.filter((scope) => scope !== 'openid');
    const ticked = optional.filter((scope) => form.getAll('grant').includes(scope));
    const refusedAll = optional.length > 0 && ticked.length === 0;
    if (form.get('decision') !== 'allow' || refusedAll) {
      return this.#finish(req, res, { error: 'access_denied', error_description: 'the user refused' });
    }
    return this.#grant(req, res, details, missing, [...ticked, 'openid']);
  }

  // The requested scopes that this user has neither granted to nor refused this client before: user scopes in a fixed
  // order, and those of each resource.
  #missingScopes(details) {
    const { missingOIDCScope = [], missingResourceScopes = {} } = details.prompt.details;
    return { user: USER_SCOPES.filter((scope) => missingOIDCScope.includes(scope)), ofResource: missingResourceScopes };
  }

  async #grant(req, res, details, asked, granted) {
    const { Grant } = this.#provider;
    const { accountId } = details.session;
    const grant =
      (details.grantId && (await Grant.find(details.grantId))) ||
      new Grant({ accountId, clientId: details.params.client_id });
    for (const scope of asked.user) {
      if (granted.includes(scope)) grant.addOIDCScope(scope);
      else grant.rejectOIDCScope(scope);
    }
    for (const [indicator, scopes] of Object.entries(asked.ofResource)) {
      for (const scope of scopes) {
        if (granted.includes(scope)) grant.addResourceScope(indicator, scope);
        else grant.rejectResourceScope(indicator, scope);
      }
    }
    return this.#finish(req, res, { consent: { grantId: await grant.save() } });
  }

  #finish(req, res, result) {
    return this.#provider.interactionFinished(req, res, result, { mergeWithLastSubmission: !result.error });
  }

  #formTarget(details) {
    return `'self' ${new URL(details.params.redirect_uri).origin}`;
  }
}
