import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { fileURLToPath } from 'node:url';
import express from 'express';

import { openDevice } from '../../../server/device/index.ts';
import type { NodeDevice } from '../../../server/device/index.ts';
import { wakelog } from '../../../server/index.ts';
import type { WakelogOptions } from '../../../server/index.ts';
import { closeServer, listen } from '../../platform/parts/listen.ts';
import type { Scratch } from '../../platform/parts/scratch.ts';
import { createTcpGate } from '../../platform/tcp-gate.ts';
import type { TcpGate } from '../../platform/tcp-gate.ts';

/** A site with a script tag, the real server, and the real worker file, behind a gate that plays the network. */
export interface WorkerSite {
  /** With the host name localhost, a secure context. */
  readonly origin: string;
  /** Past the gate. */
  readonly direct: string;
  readonly gate: TcpGate;
  /** Requests that reached the server, as `GET /path`. */
  readonly requests: readonly string[];
  /** From now on the worker file is another one, by as little as a comment. */
  readonly releaseWorker: () => void;
  /** Another device of the space, in Node. */
  readonly device: (account?: string) => Promise<NodeDevice>;
}

export const SPACE = 'tasks';

const PAGE = (account: string): string => `<!doctype html><html lang="en"><meta charset="utf-8"><title>tasks</title>
<link rel="stylesheet" href="/style.css">
<script src="/wakelog/wakelog.js" data-account="${account}" data-space="${SPACE}" data-capture="/api/tasks" data-shell data-updates="live"
  data-notification-title="Tasks" data-notification-body="{count} changed"></script>
<h1>Tasks of ${account}</h1>
<script src="/app.js"></script>`;

/** Asks like any page: with fetch. `call` answers what a test wants to compare. */
const APP = `
  window.loads = (window.loads ?? 0) + 1;
  window.errors = [];
  addEventListener('error', (event) => errors.push(String(event.message)));
  addEventListener('unhandledrejection', (event) => errors.push(String(event.reason)));
  window.call = async (method, path, body, headers = {}) => {
    const answer = await fetch(path, {
      method,
      headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    const json = text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : undefined;
    return { status: answer.status, headers: Object.fromEntries(answer.headers), text: json === undefined ? text : '', json };
  };
  window.first = call('GET', '/api/tasks');
  window.controlled = navigator.serviceWorker.ready.then(() => navigator.serviceWorker.controller !== null ||
    new Promise((resolve) => navigator.serviceWorker.addEventListener('controllerchange', () => resolve(true), { once: true })));
`;

export async function createWorkerSite(scratch: Scratch, options: Partial<WakelogOptions> = {}): Promise<WorkerSite> {
  const handler = await wakelog({
    dataDir: scratch.folder('server'),
    collections: ['/api/tasks'],
    space: SPACE,
    log: {
      debug: () => {},
      info: () => {},
      warn: () => {},
      error: (fields, message) => console.error(message, fields),
    },
    ...options,
  });
  const requests: string[] = [];
  let release = 0;
  const app = express();
  app.use(({ method, path }: { method: string; path: string }, _response: unknown, next: () => void) => {
    requests.push(`${method} ${path}`);
    next();
  });
  app.get('/wakelog/sw.js', (_request, response, next) => {
    if (release === 0) return next();
    const file = readFileSync(fileURLToPath(new URL('../../../dist/sw.js', import.meta.url)), 'utf8');
    response
      .set({ 'content-type': 'text/javascript', 'service-worker-allowed': '/' })
      .send(`${file}\n// release ${release}`);
  });
  app.use(handler);
  app.get('/', (request, response) => void response.type('html').send(PAGE(accountOf(request))));
  app.get('/app.js', (_request, response) => void response.type('text/javascript').send(APP));
  app.get('/style.css', (_request, response) => void response.type('text/css').send('h1 { color: rgb(0, 100, 0); }'));
  app.get('/plain.json', (_request, response) => void response.json({ from: 'server' }));
  const picture = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>';
  app.get(
    '/secret.svg',
    (_request, response) => void response.set('cache-control', 'no-store').type('svg').send(picture),
  );
  app.get('/images/:name', (_request, response) => void response.type('svg').send(picture));
  app.all('/echo', express.text({ type: '*/*' }), (request, response) => {
    const { body } = request as { body?: unknown };
    response.json({ method: request.method, body: typeof body === 'string' ? body : '' });
  });
  const server = createServer(app);
  const port = await listen(server);
  const gate = await createTcpGate(port);
  scratch.use(gate, async (it) => {
    await it.close();
    await closeServer(server);
    await handler.close();
  });
  const reach = { url: `http://127.0.0.1:${port}`, space: SPACE, live: false };
  return {
    origin: `http://localhost:${gate.port}`,
    direct: `http://localhost:${port}`,
    gate,
    requests,
    releaseWorker() {
      release += 1;
    },
    device: async (account = 'bob') =>
      scratch.use(await openDevice({ ...reach, account, auth: () => ({ cookie: `account=${account}` }) }), (it) =>
        it.close(),
      ),
  };
}

/** The page's account is in its cookie, as with any session. */
function accountOf(request: IncomingMessage): string {
  return /account=(\w+)/.exec(request.headers.cookie ?? '')?.[1] ?? 'ann';
}

/** Titles of the tasks that a Node device has once it is level with the server. */
export async function titlesAt(device: NodeDevice): Promise<string[]> {
  await device.sync();
  const tasks = await device.collection<{ title: string }>('/api/tasks').list();
  return tasks.map(({ value }) => value.title);
}
