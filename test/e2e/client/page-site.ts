import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import express from 'express';
import { build } from 'vite';

import { openDevice } from '../../../server/device/index.ts';
import type { NodeDevice } from '../../../server/device/index.ts';
import { wakelog } from '../../../server/index.ts';
import type { WakelogOptions } from '../../../server/index.ts';
import { closeServer, listen } from '../../platform/parts/listen.ts';
import type { Scratch } from '../../platform/parts/scratch.ts';
import { createTcpGate } from '../../platform/tcp-gate.ts';
import type { TcpGate } from '../../platform/tcp-gate.ts';

/** A real server with a few pages, behind a gate that plays the network. */
export interface PageSite {
  /** With the host name localhost, a secure context. */
  readonly origin: string;
  readonly gate: TcpGate;
  /** Requests that reached the server, as `GET /path`. */
  readonly requests: readonly string[];
  /** Another device of the space, in Node. */
  readonly device: (account?: string) => Promise<NodeDevice>;
}

export const SPACE = 'notes';
export const COLLECTION = '/api/notes';

/** A page that knows nothing: no handler, so accepting reloads it. `window.loads` survives nothing but its own document. */
const TAG_PAGE = `<!doctype html><html lang="en"><title>notes</title><link rel="icon" href="data:,"><h1>Notes</h1><ul></ul>
<script src="/wakelog/wakelog.js" data-space="${SPACE}" data-capture="${COLLECTION}" data-shell></script>
<script>
  const read = async () => (await fetch('${COLLECTION}')).json();
  const titles = async () => (await read()).map(({ title }) => title);
  const write = (id, title) => fetch('${COLLECTION}/' + id, {
    method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ title }) });
  const shown = read().then((notes) => {
    document.querySelector('ul').innerHTML = notes.map(({ title }) => '<li>' + title + '</li>').join('');
  });
</script>`;

/** The same with a handler: it shows what changed itself. */
const HANDLER_PAGE = TAG_PAGE.replace(
  '</script>\n<script>',
  `</script>
<script>
  window.updates = [];
  window.changes = [];
  document.addEventListener('wakelog-change', ({ detail }) => changes.push(detail));
  document.addEventListener('wakelog-update', (event) => { event.preventDefault(); updates.push(event.detail.keys); });`,
);

/** A page that calls connect() itself. `connected` is its connection. */
const APP_PAGE = `<!doctype html><html lang="en"><title>app</title><link rel="icon" href="data:,"><h1>App</h1>
<script type="module">
  import { connect } from '/client.js';
  const query = new URLSearchParams(location.search);
  window.connectNow = (more = {}) => connect({
    account: query.get('account') ?? 'ann', space: '${SPACE}', updates: query.get('updates') ?? 'live', capture: ['${COLLECTION}'], ...more });
  window.connected = query.has('wait') ? undefined : connectNow();
</script>`;

export async function createPageSite(scratch: Scratch, options: Partial<WakelogOptions> = {}): Promise<PageSite> {
  const handler = await wakelog({
    dataDir: scratch.folder('server'),
    collections: [COLLECTION],
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
  const client = await bundleClient();
  const app = express();
  app.use(({ method, path }: { method: string; path: string }, _response: unknown, next: () => void) => {
    requests.push(`${method} ${path}`);
    next();
  });
  app.use(handler);
  app.get('/client.js', (_request, response) => void response.type('text/javascript').send(client));
  for (const [path, page] of [
    ['/', TAG_PAGE],
    ['/handler', HANDLER_PAGE],
    ['/app', APP_PAGE],
  ] as const) {
    app.get(path, (_request, response) => void response.type('html').send(page));
  }
  const server = createServer(app);
  const port = await listen(server);
  const gate = await createTcpGate(port);
  scratch.use(gate, async (it) => {
    await it.close();
    await closeServer(server);
    await handler.close();
  });
  const url = `http://127.0.0.1:${port}`;
  return {
    origin: `http://localhost:${gate.port}`,
    gate,
    requests,
    device: async (account = 'bob') =>
      scratch.use(await openDevice({ url, space: SPACE, account, live: false }), (it) => it.close()),
  };
}

let bundled: Promise<string> | undefined;

/** `wakelog/client` as one module, as an app's own bundler would make it. */
function bundleClient(): Promise<string> {
  bundled ??= (async () => {
    const output = await build({
      configFile: false,
      logLevel: 'error',
      define: { 'process.env.NODE_ENV': '"production"' },
      build: {
        write: false,
        minify: false,
        lib: { entry: fileURLToPath(new URL('../../../client/index.ts', import.meta.url)), formats: ['es'] },
      },
    });
    const [chunk] = (output as { output: { code?: string }[] }[])[0]?.output ?? [];
    if (chunk?.code === undefined) throw new Error('the client could not be bundled');
    return chunk.code;
  })();
  return bundled;
}
