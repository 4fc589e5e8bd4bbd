// The HTTP server: routes to the pages, the fake Management API and oidc-provider, one access log line per request.

import { createServer } from 'node:http';

import { Interactions } from './interactions.js';
import { log } from './log.js';
import { ManagementApi } from './management_api.js';
import { errorPage } from './pages.js';

const MOUNT = '/oidc';

function notFound(res) {
  res.writeHead(404, { 'Content-Type': 'application/json' });
  res.end(JSON.stringify({ code: 'entity.not_found', message: 'no such page' }));
}

async function route({ host, interactions, management }, req, res) {
  if (req.url.startsWith(`${MOUNT}/`)) {
    req.originalUrl = req.url;
    req.url = req.url.slice(MOUNT.length);
    return host.callback(req, res);
  }
  if (req.url === '/api/status') return res.writeHead(204).end();
  if (req.url.startsWith('/api/')) return management.handle(req, res);
  if (await interactions.handle(req, res)) return undefined;
  return notFound(res);
}

/**
 * Builds the server; the caller makes it listen. URLs in answers come from the issuer, never from the Host header.
 * `faults`: a Faults, or undefined.
 */
export function createHttpServer({ host, tenant, keys, store, faults }) {
  const interactions = new Interactions(host, tenant);
  const management = new ManagementApi({ tenant, keys, store, rebuild: () => host.rebuild() });
  const { host: authority } = new URL(host.issuer);
  return createServer(async (req, res) => {
    const start = performance.now();
    const path = req.url.split('?')[0].replace(/^(\/(?:sign-in|consent|oidc\/auth))\/.*/, '$1');
    res.on('close', () => {
      const ms = Math.round((performance.now() - start) * 10) / 10;
      log('info', 'access', { method: req.method, path, status: res.statusCode, ms });
    });
    req.headers.host = authority;
    try {
      if (faults && (await faults.intercept(req, res, path))) return;
      await route({ host, interactions, management }, req, res);
    } catch (error) {
      log('error', 'request_failed', { path, message: error.message });
      if (!res.headersSent) res.writeHead(500, { 'Content-Type': 'text/html; charset=utf-8' });
      res.end(errorPage('The provider failed. See its log.'));
    }
  });
}
