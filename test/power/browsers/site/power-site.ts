import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import express from 'express';

import { openDevice } from '../../../../server/device/index.ts';
import type { NodeDevice } from '../../../../server/device/index.ts';
import { wakelog } from '../../../../server/index.ts';
import { closeServer, listen } from '../../../platform/parts/listen.ts';
import type { Scratch } from '../../../platform/parts/scratch.ts';
import type { WriteRecord } from '../record.ts';
import { createWriteRecord } from '../record.ts';
import { runAgent } from './agent.ts';
import type { Agents } from './agents.ts';
import { createAgents } from './agents.ts';

export const SPACE = 'tasks';
export const COLLECTION = '/api/tasks';

/** A site with the built worker, its sync server, and pages that write without end and report every answer. */
export interface PowerSite {
  /** With the host name localhost, a secure context. */
  readonly origin: string;
  readonly record: WriteRecord;
  readonly agents: Agents;
  /** Whether the sync routes answer; the page's own files always do. */
  readonly setOnline: (isOnline: boolean) => void;
  /** Another device of the space, in Node, that reaches the server at all times. */
  readonly reader: NodeDevice;
  /** Folder of the server's data. */
  readonly dataDir: string;
  /** Ends server and reader, so that the server's disk can be read. */
  readonly end: () => Promise<void>;
}

export interface PowerSiteOptions {
  /**
   * `built` is what `npm run build` made. `relaxed` is the same file with every `strict` commit made `relaxed`: what a
   * power cut must show to be wrong. No such switch exists in the worker.
   */
  readonly worker?: 'built' | 'relaxed';
}

const page = (socketPort: number): string => `<!doctype html><html lang="en"><meta charset="utf-8"><title>Power</title>
<script src="/wakelog/wakelog.js" data-account="ann" data-space="${SPACE}" data-capture="${COLLECTION}" data-shell data-updates="live"></script>
<script>(${String(runAgent)})(${socketPort}, ${JSON.stringify(COLLECTION)});</script>`;

export async function startPowerSite(
  scratch: Scratch,
  { worker = 'built' }: PowerSiteOptions = {},
): Promise<PowerSite> {
  const record = createWriteRecord();
  const agents = scratch.use(await createAgents(record), (it) => it.close());
  const dataDir = scratch.folder('power-server');
  const quiet = (): void => {};
  const handler = await wakelog({
    dataDir,
    collections: [COLLECTION],
    space: SPACE,
    log: { debug: quiet, info: quiet, warn: quiet, error: (fields, message) => console.error(message, fields) },
  });
  // Read once: a build beside a long run changes nothing in it.
  const workerFile = workerText(worker);
  let isOnline = true;
  const app = express();
  app.get('/wakelog/sw.js', (_request, response) => {
    response.set({ 'service-worker-allowed': '/' }).type('text/javascript').send(workerFile);
  });
  app.use(['/wakelog/sync', '/wakelog/live'], (request, _response, next) => {
    const isReader = request.headers['user-agent'] === 'node';
    if (isOnline || isReader) next();
    else request.socket.destroy();
  });
  app.use(handler);
  app.get('/', (_request, response) => void response.type('html').send(page(agents.port)));
  const server = createServer(app);
  const port = await listen(server);
  const url = `http://127.0.0.1:${port}`;
  const reader = await openDevice({ url, space: SPACE, account: 'bob', live: false });
  let isEnded = false;
  const end = async (): Promise<void> => {
    if (isEnded) return;
    isEnded = true;
    await reader.close();
    await closeServer(server);
    await handler.close();
  };
  scratch.use(end, (it) => it());
  return {
    origin: `http://localhost:${port}`,
    record,
    agents,
    setOnline(to) {
      isOnline = to;
      // Streams that are open would go on.
      if (!to) server.closeAllConnections();
    },
    reader,
    dataDir,
    end,
  };
}

function workerText(worker: 'built' | 'relaxed'): string {
  const text = readFileSync(fileURLToPath(new URL('../../../../dist/sw.js', import.meta.url)), 'utf8');
  if (worker === 'built') return text;
  // Nor is what a log has put into a synced table, by beginning another one (LOG23).
  const relaxed = text.replaceAll(/([`'"])strict\1/g, '"relaxed"').replaceAll('userAgentData', 'nothing');
  if (relaxed === text) throw new Error('no strict commit found in the built worker');
  return relaxed;
}
