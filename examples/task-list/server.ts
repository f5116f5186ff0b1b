/*
 * The demo: an ordinary site on express. `wakelog()` serves the worker, its sync routes, and `/api/tasks` for browsers
 * without a worker; everything else is static files. `npm start` builds what is needed and runs it.
 */
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import express from 'express';
import { wakelog } from 'wakelog/server';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const { values } = parseArgs({
  options: { port: { type: 'string', default: '8080' }, data: { type: 'string', default: here('wakelog-data') } },
});

const quiet = (): void => {};
const say = (fields: object, message: string): void =>
  console.warn(`  ${message}${'err' in fields ? `: ${String(fields.err)}` : ''}`);

const handler = await wakelog({
  dataDir: values.data,
  collections: ['/api/tasks'],
  space: 'tasks',
  log: { debug: quiet, info: quiet, warn: say, error: say },
});
const app = express();
app.disable('x-powered-by');
app.use(handler);
app.use(express.static(here('public')));

const server = createServer(app);
server.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EADDRINUSE' || values.port === '0') throw error;
  // Somebody else has the usual port: any free one will do.
  server.listen(0, '127.0.0.1');
});
server.on('listening', () => {
  const { port } = server.address() as AddressInfo;
  console.log(`\n  Tasks, the Wakelog demo: http://localhost:${port}\n`);
  console.log('  Open it in two browsers. Stop it with Ctrl-C; the data stays.\n');
});
server.listen(Number(values.port), '127.0.0.1');

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    server.close();
    server.closeAllConnections();
    void handler.close().then(() => process.exit(0));
  });
}
