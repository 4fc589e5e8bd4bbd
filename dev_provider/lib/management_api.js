// A fake of Logto's Management API, as far as Gatehouse and its tests use it: paths, statuses, odd answers (200 and not 201
// for a new application, the text "Created", 422) are those of the real one. What it changes takes effect at once.

import { randomBytes } from 'node:crypto';

import { APPLICATION_TYPES, newApplication } from './clients.js';
import { MANAGEMENT_API, USER_SCOPES, newId } from './tenant.js';
import { managementView, newUser } from './users.js';

const MAX_BODY_BYTES = 256 * 1024;
const DEFAULT_PAGE_SIZE = 20;
const MAX_PAGE_SIZE = 100;
const MAX_NAME_LENGTH = 256;

const THIRD_PARTY_TYPES = ['Native', 'SPA', 'Traditional'];
const CONSENT_KINDS = { 'user-scopes': 'userScopes', 'resource-scopes': 'resourceScopes' };

/** A refusal. Answered as `{code, message, data}`. */
class ApiError extends Error {
  constructor(status, code, message, data) {
    super(message);
    Object.assign(this, { status, code, data });
  }
}

function invalidInput(path, message) {
  return new ApiError(400, 'guard.invalid_input', `The request body is invalid: ${message}`, {
    type: 'body',
    error: { name: 'ZodError', issues: [{ code: 'custom', path, message }] },
  });
}

function missing(entity, id) {
  return new ApiError(404, 'entity.not_exists_with_id', `The ${entity} with ID \`${id}\` does not exist.`, {
    name: entity,
    id,
  });
}

function found(list, entity, id) {
  const item = list.find((candidate) => candidate.id === id);
  if (!item) throw missing(entity, id);
  return item;
}

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const isListOf = (value, isItem) => Array.isArray(value) && value.every(isItem);

function checkObject(value, name) {
  if (value !== undefined && !isObject(value)) throw invalidInput([name], 'Expected object');
}

function checkName(value) {
  if (typeof value !== 'string' || value.length < 1 || value.length > MAX_NAME_LENGTH) {
    throw invalidInput(['name'], `String must contain 1 to ${MAX_NAME_LENGTH} characters`);
  }
}

// Both arrays are required; of a redirect URI no more is asked than that it is a URL.
function checkOidcClientMetadata(metadata) {
  if (metadata === undefined) return;
  if (!isObject(metadata)) throw invalidInput(['oidcClientMetadata'], 'Expected object');
  for (const member of ['redirectUris', 'postLogoutRedirectUris']) {
    if (!isListOf(metadata[member], (uri) => typeof uri === 'string' && URL.canParse(uri))) {
      throw invalidInput(['oidcClientMetadata', member], 'Expected an array of URLs');
    }
  }
}

function applicationView(application) {
  const { secrets, consentScopes, signInExperience, allScopes, isAdmin, ...view } = application;
  return { tenantId: 'default', ...view, protectedAppMetadata: null };
}

async function readBody(req) {
  let text = '';
  for await (const chunk of req) {
    text += chunk;
    if (text.length > MAX_BODY_BYTES) throw new ApiError(413, 'request.payload_too_large', 'Payload too large');
  }
  if (!text) return {};
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    throw new ApiError(400, 'request.general', 'The body is not JSON');
  }
  if (!isObject(body)) throw invalidInput([], 'Expected object');
  return body;
}

/** Answers what lies below /api/. */
export class ManagementApi {
  #tenant;
  #keys;
  #store;
  #rebuild;
  // Method and path, in which `:` stands for one segment; called with {params, body, url, res}, answers {status, body}.
  #routes = {
    'GET /applications': (call) => this.#listApplications(call),
    'POST /applications': (call) => this.#createApplication(call),
    'GET /applications/:': ({ params: [id] }) => ({ body: applicationView(this.#application(id)) }),
    'PATCH /applications/:': (call) => this.#patchApplication(call),
    'DELETE /applications/:': ({ params: [id] }) => this.#deleteApplication(id),
    'PATCH /applications/:/custom-data': ({ params: [id], body }) => ({
      body: Object.assign(this.#application(id).customData, body),
    }),
    'GET /applications/:/user-consent-scopes': ({ params: [id] }) => ({
      body: this.#consentScopes(this.#application(id)),
    }),
    'POST /applications/:/user-consent-scopes': (call) => this.#addConsentScopes(call),
    'DELETE /applications/:/user-consent-scopes/:/:': (call) => this.#deleteConsentScope(call),
    'GET /applications/:/secrets': ({ params: [id] }) => ({
      body: this.#application(id).secrets.map((secret) => ({ tenantId: 'default', applicationId: id, ...secret })),
    }),
    'POST /applications/:/secrets': (call) => this.#addSecret(call),
    'GET /applications/:/sign-in-experience': ({ params: [id] }) => this.#signInExperience(id),
    'PUT /applications/:/sign-in-experience': (call) => this.#putSignInExperience(call),
    'GET /users': ({ url, res }) => ({ body: this.#page(this.#tenant.users.map(managementView), url, res) }),
    'POST /users': (call) => this.#createUser(call),
    'GET /users/:': ({ params: [id] }) => ({ body: managementView(this.#user(id)) }),
    'PATCH /users/:': (call) => this.#patchUser(call),
    'DELETE /users/:': ({ params: [id] }) => this.#deleteUser(id),
    'PATCH /users/:/is-suspended': (call) => this.#suspendUser(call),
    'GET /users/:/grants': (call) => this.#listGrants(call),
    'DELETE /users/:/grants/:': ({ params }) => this.#deleteGrant(params[1]),
    'GET /resources': ({ url, res }) => ({ body: this.#page(this.#tenant.resources, url, res) }),
    'POST /resources': (call) => this.#createResource(call),
    'GET /resources/:': ({ params: [id] }) => ({ body: this.#resource(id) }),
    'PATCH /resources/:': (call) => this.#patchResource(call),
    'PATCH /resources/:/is-default': (call) => this.#setDefaultResource(call),
    'GET /resources/:/scopes': ({ params: [id] }) => ({ body: this.#resource(id).scopes }),
    'POST /resources/:/scopes': (call) => this.#createScope(call),
    'GET /configs/oidc/private-keys': () => ({ body: this.#privateKeys() }),
    'POST /configs/oidc/private-keys/rotate': (call) => this.#rotate(call),
    'PUT /configs/jwt-customizer/access-token': ({ body }) => this.#setCustomClaims(body),
    'DELETE /configs/jwt-customizer/access-token': () => this.#setCustomClaims(undefined),
    'PATCH /configs/cimd': ({ body }) => this.#setCimd(body),
  };

  /** `rebuild`: a function to be called when the keys have changed. */
  constructor({ tenant, keys, store, rebuild }) {
    this.#tenant = tenant;
    this.#keys = keys;
    this.#store = store;
    this.#rebuild = rebuild;
  }

  /** Answers a request to /api/... */
  async handle(req, res) {
    try {
      this.#authorize(req);
      const { status = 200, body, text } = await this.#dispatch(req, res);
      if (req.method !== 'GET') this.#tenant.save();
      if (text !== undefined) {
        res.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' });
        res.end(text);
      } else if (body === undefined) {
        res.writeHead(status).end();
      } else {
        res.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8' });
        res.end(JSON.stringify(body));
      }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const { status, code, message, data } = error;
      res.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8' });
      res.end(JSON.stringify({ message, code, ...(data && { data }) }));
    }
  }

  #authorize(req) {
    const { authorization } = req.headers;
    if (!authorization)
      throw new ApiError(401, 'auth.authorization_header_missing', 'Authorization header is missing.');
    const token = /^bearer ([^ ]+)$/i.exec(authorization)?.[1];
    if (!token)
      throw new ApiError(401, 'auth.authorization_token_type_not_supported', 'Authorization type is not supported.');
    const claims = this.#keys.claimsOf(token);
    if (claims?.aud !== MANAGEMENT_API)
      throw new ApiError(401, 'auth.unauthorized', 'Unauthorized. Please check credentials and its scope.', claims);
    if (!claims.scope.split(' ').includes('all'))
      throw new ApiError(403, 'auth.forbidden', 'Forbidden. Please check your user roles and permissions.');
  }

  async #dispatch(req, res) {
    const url = new URL(req.url, 'http://localhost');
    const segments = url.pathname.split('/').slice(2).map(decodeURIComponent);
    for (const [route, handler] of Object.entries(this.#routes)) {
      const [method, pattern] = route.split(' ');
      const parts = pattern.split('/').slice(1);
      if (method !== req.method || parts.length !== segments.length) continue;
      if (!parts.every((part, index) => part === ':' || part === segments[index])) continue;
      const params = segments.filter((segment, index) => parts[index] === ':');
      const body = ['POST', 'PUT', 'PATCH'].includes(method) ? await readBody(req) : undefined;
      return handler({ params, body, url, res });
    }
    throw new ApiError(404, 'entity.not_found', 'The resource does not exist.');
  }

  #page(list, url, res) {
    const number = (name, fallback, max) => {
      const text = url.searchParams.get(name) ?? String(fallback);
      const value = Number(text);
      if (!/^\d+$/.test(text) || value < 1 || value > max)
        throw new ApiError(400, 'guard.invalid_pagination', 'The pagination of the request is invalid.');
      return value;
    };
    const page = number('page', 1, Infinity);
    const size = number('page_size', DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE);
    res.setHeader('Total-Number', String(list.length));
    // The real one leaves /api out of these addresses too.
    res.setHeader('Link', `<${url.origin}${url.pathname.replace('/api', '')}?page=1&page_size=${size}>; rel="first"`);
    return list.slice((page - 1) * size, page * size);
  }

  #application(id) {
    return found(this.#tenant.applications, 'applications', id);
  }

  #user(id) {
    return found(this.#tenant.users, 'users', id);
  }

  #resource(id) {
    return found(this.#tenant.resources, 'resources', id);
  }

  #listApplications({ url, res }) {
    const types = url.searchParams.getAll('types');
    const wantThirdParty = url.searchParams.get('isThirdParty');
    const name = url.searchParams.get('search.name')?.replaceAll('%', '').toLowerCase();
    const list = this.#tenant.applications.filter(
      (application) =>
        (types.length === 0 || types.includes(application.type)) &&
        (wantThirdParty === null || String(application.isThirdParty) === wantThirdParty) &&
        (name === undefined || application.name.toLowerCase().includes(name)),
    );
    return { body: this.#page(list.map(applicationView), url, res) };
  }

  #createApplication({ body }) {
    checkName(body.name);
    if (!APPLICATION_TYPES.includes(body.type)) throw invalidInput(['type'], 'Invalid enum value');
    if (body.description !== undefined && body.description !== null && typeof body.description !== 'string')
      throw invalidInput(['description'], 'Expected string');
    if (body.isThirdParty !== undefined && typeof body.isThirdParty !== 'boolean')
      throw invalidInput(['isThirdParty'], 'Expected boolean');
    checkOidcClientMetadata(body.oidcClientMetadata);
    checkObject(body.customClientMetadata, 'customClientMetadata');
    checkObject(body.customData, 'customData');
    if (body.isThirdParty && !THIRD_PARTY_TYPES.includes(body.type)) {
      throw new ApiError(
        400,
        'application.invalid_third_party_application_type',
        'Only traditional web applications, SPAs and native applications can be third-party.',
      );
    }
    if (body.isThirdParty && body.customClientMetadata?.allowTokenExchange) {
      throw new ApiError(
        422,
        'application.third_party_application_token_exchange',
        'Token exchange is not allowed for third-party applications.',
      );
    }
    const application = newApplication({ ...body, id: newId() });
    if (['Traditional', 'MachineToMachine'].includes(application.type))
      this.#newSecret(application, 'Default secret', null);
    this.#tenant.applications.push(application);
    return { status: 200, body: applicationView(application) };
  }

  #patchApplication({ params: [id], body }) {
    const application = this.#application(id);
    if (body.name !== undefined) checkName(body.name);
    checkOidcClientMetadata(body.oidcClientMetadata);
    checkObject(body.customClientMetadata, 'customClientMetadata');
    for (const member of ['name', 'description', 'oidcClientMetadata', 'customClientMetadata', 'customData']) {
      if (body[member] !== undefined) application[member] = body[member];
    }
    return { body: applicationView(application) };
  }

  // The tokens of the application stay: userinfo then answers 400.
  #deleteApplication(id) {
    this.#application(id);
    this.#tenant.applications = this.#tenant.applications.filter((application) => application.id !== id);
    return { status: 204 };
  }

  #consentScopes({ consentScopes }) {
    const resourceScopes = this.#tenant.resources.flatMap(({ id, name, indicator, scopes }) => {
      const enabled = scopes.filter((scope) => consentScopes.resourceScopes.includes(scope.id));
      return enabled.length ? [{ resource: { id, name, indicator }, scopes: enabled }] : [];
    });
    return {
      userScopes: consentScopes.userScopes,
      resourceScopes,
      organizationScopes: [],
      organizationResourceScopes: [],
    };
  }

  #thirdParty(id) {
    const application = this.#application(id);
    if (!application.isThirdParty) {
      throw new ApiError(
        422,
        'application.third_party_application_only',
        'The feature is only available for third-party applications.',
      );
    }
    return application;
  }

  #addConsentScopes({ params: [id], body }) {
    const isString = (value) => typeof value === 'string';
    for (const member of ['userScopes', 'resourceScopes', 'organizationScopes', 'organizationResourceScopes']) {
      if (body[member] !== undefined && !isListOf(body[member], isString))
        throw invalidInput([member], 'Expected an array of strings');
    }
    const { userScopes = [], resourceScopes = [] } = body;
    const unknownUserScope = userScopes.find(
      (scope) => !USER_SCOPES.includes(scope) || ['openid', 'offline_access'].includes(scope),
    );
    if (unknownUserScope) throw invalidInput(['userScopes'], `Invalid enum value ${unknownUserScope}`);
    const application = this.#thirdParty(id);
    const grantable = this.#tenant.resources
      .filter(({ indicator }) => indicator !== MANAGEMENT_API)
      .flatMap(({ scopes }) => scopes);
    const unknown = resourceScopes.filter((scopeId) => !grantable.some((scope) => scope.id === scopeId));
    if (unknown.length) {
      throw new ApiError(422, 'application.user_consent_scopes_not_found', 'Invalid user consent scopes.', {
        invalidResourceScopes: unknown,
      });
    }
    const united = (held, added) => [...new Set([...held, ...added])];
    application.consentScopes = {
      userScopes: united(application.consentScopes.userScopes, userScopes),
      resourceScopes: united(application.consentScopes.resourceScopes, resourceScopes),
    };
    return { status: 201, text: 'Created' };
  }

  #deleteConsentScope({ params: [id, kind, scope] }) {
    const application = this.#thirdParty(id);
    const member = CONSENT_KINDS[kind];
    if (!application.consentScopes[member]?.includes(scope)) throw missing('scopes', scope);
    application.consentScopes = {
      ...application.consentScopes,
      [member]: application.consentScopes[member].filter((held) => held !== scope),
    };
    return { status: 204 };
  }

  #newSecret(application, name, expiresAt) {
    const secret = { name, value: randomBytes(24).toString('base64url'), createdAt: Date.now(), expiresAt };
    application.secrets.push(secret);
    return secret;
  }

  #addSecret({ params: [id], body }) {
    checkName(body.name);
    const application = this.#application(id);
    if (application.secrets.some(({ name }) => name === body.name))
      throw new ApiError(422, 'application.secret_name_exists', 'The secret name exists.');
    return {
      status: 201,
      body: {
        tenantId: 'default',
        applicationId: id,
        ...this.#newSecret(application, body.name, body.expiresAt ?? null),
      },
    };
  }

  #signInExperience(id) {
    const { signInExperience } = this.#application(id);
    if (!signInExperience) throw missing('application_sign_in_experiences', id);
    return { body: { applicationId: id, ...signInExperience } };
  }

  #putSignInExperience({ params: [id], body }) {
    const application = this.#application(id);
    for (const member of ['displayName', 'termsOfUseUrl', 'privacyPolicyUrl']) {
      if (body[member] !== undefined && body[member] !== null && typeof body[member] !== 'string')
        throw invalidInput([member], 'Expected string');
    }
    checkObject(body.branding, 'branding');
    const { displayName = null, termsOfUseUrl = null, privacyPolicyUrl = null, branding = {} } = body;
    application.signInExperience = { displayName, termsOfUseUrl, privacyPolicyUrl, branding };
    return { status: 201, body: { applicationId: id, ...application.signInExperience } };
  }

  #createUser({ body }) {
    const { username, password, primaryEmail: email, name } = body;
    if (this.#tenant.users.some((user) => user.username === username))
      throw new ApiError(422, 'user.username_already_in_use', 'This username is already in use.');
    const user = newUser({ id: newId(12), username, password, email, name });
    this.#tenant.users.push(user);
    return { body: managementView(user) };
  }

  #patchUser({ params: [id], body }) {
    const user = this.#user(id);
    const { username = user.username, primaryEmail: email = user.email, name = user.name } = body;
    Object.assign(user, { username, email, name, updatedAt: Date.now() });
    return { body: managementView(user) };
  }

  #deleteUser(id) {
    this.#user(id);
    this.#tenant.users = this.#tenant.users.filter((user) => user.id !== id);
    this.#store.endAccount(id);
    return { status: 204 };
  }

  // Lifting a suspension does not bring tokens back.
  #suspendUser({ params: [id], body }) {
    if (typeof body.isSuspended !== 'boolean') throw invalidInput(['isSuspended'], 'Expected boolean');
    const user = this.#user(id);
    user.isSuspended = body.isSuspended;
    if (body.isSuspended) this.#store.endAccount(id);
    return { body: managementView(user) };
  }

  #listGrants({ params: [id], url }) {
    this.#user(id);
    const wantThirdParty = { thirdParty: true, firstParty: false }[url.searchParams.get('appType')];
    const grants = [...this.#store.of('Grant')].filter(([, { accountId, clientId }]) => {
      const isThirdParty = this.#tenant.application(clientId)?.isThirdParty ?? false;
      return accountId === id && (wantThirdParty ?? isThirdParty) === isThirdParty;
    });
    return { body: { grants: grants.map(([grantId, payload]) => ({ id: grantId, payload })) } };
  }

  #deleteGrant(grantId) {
    this.#store.deleteGrant(grantId);
    this.#store.delete(`Grant:${grantId}`);
    return { status: 204 };
  }

  #createResource({ body }) {
    checkName(body.name);
    if (typeof body.indicator !== 'string' || !body.indicator) throw invalidInput(['indicator'], 'Expected string');
    if (this.#tenant.resourceOf(body.indicator))
      throw new ApiError(422, 'resource.resource_identifier_in_use', 'The API identifier is already in use.');
    return { status: 201, body: this.#tenant.addResource(body) };
  }

  #patchResource({ params: [id], body }) {
    const resource = this.#resource(id);
    if (body.accessTokenTtl !== undefined) {
      if (!Number.isInteger(body.accessTokenTtl) || body.accessTokenTtl < 1)
        throw invalidInput(['accessTokenTtl'], 'Expected a positive integer');
      resource.accessTokenTtl = body.accessTokenTtl;
    }
    if (body.name !== undefined) resource.name = body.name;
    return { body: resource };
  }

  #setDefaultResource({ params: [id], body }) {
    if (typeof body.isDefault !== 'boolean') throw invalidInput(['isDefault'], 'Expected boolean');
    const resource = this.#resource(id);
    for (const other of this.#tenant.resources) other.isDefault = false;
    resource.isDefault = body.isDefault;
    return { body: resource };
  }

  #createScope({ params: [id], body }) {
    const resource = this.#resource(id);
    if (typeof body.name !== 'string' || !/^\S+$/.test(body.name))
      throw invalidInput(['name'], 'Expected a string without spaces');
    if (resource.scopes.some(({ name }) => name === body.name))
      throw new ApiError(422, 'scope.name_exists', `The scope name ${body.name} is already in use.`);
    return { status: 201, body: this.#tenant.addScope(resource, { name: body.name, description: body.description }) };
  }

  #privateKeys() {
    return this.#keys.all.map(({ kid, kty }) => ({ id: kid, createdAt: 0, signingKeyAlgorithm: kty }));
  }

  #rotate({ body }) {
    const { signingKeyAlgorithm: type = 'EC' } = body;
    if (!['EC', 'RSA'].includes(type)) throw invalidInput(['signingKeyAlgorithm'], 'Invalid enum value');
    this.#keys.rotate(type);
    this.#rebuild();
    return { body: this.#privateKeys() };
  }

  // The script itself is not run: it stands for the one that adds the claims of TOKEN_CLAIMS_BY_SCOPE.
  #setCustomClaims(body) {
    if (body !== undefined && typeof body.script !== 'string') throw invalidInput(['script'], 'Expected string');
    this.#tenant.settings.customClaims = body !== undefined;
    return body === undefined ? { status: 204 } : { status: 201, body: { script: body.script } };
  }

  #setCimd(body) {
    if (typeof body.enabled !== 'boolean') throw invalidInput(['enabled'], 'Expected boolean');
    this.#tenant.settings.cimd = body.enabled;
    return { body: { enabled: body.enabled } };
  }
}
