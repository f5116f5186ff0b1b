import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { createServingLogStore } from '../../../core/log/create-serving-log-store.ts';
import { createNodeCrypto } from '../../../server/crypto/node-crypto.ts';
import { openDevice } from '../../../server/device/index.ts';
import type { NodeDevice, OpenDeviceOptions } from '../../../server/device/index.ts';
import type { SqliteSpace } from '../../../server/storage/sqlite-store.ts';
import { openSqliteStore } from '../../../server/storage/sqlite-store.ts';
import type { ServingLogStore } from '../../../core/log/log-store.ts';
import type { Scratch } from '../../platform/parts/scratch.ts';
import type { ServerBehindGate, ServerCommand } from '../../platform/server-process.ts';
import { startServerBehindGate } from '../../platform/server-process.ts';
import { createTcpGate } from '../../platform/tcp-gate.ts';

export const SPACE = 'tasks';
export const COLLECTION = '/api/tasks';

/** A page that works by fetch alone, plus the script tag. */
const PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Tasks</title>
<script src="/wakelog/wakelog.js" data-account="ann" data-space="${SPACE}" data-capture="${COLLECTION}" data-shell data-updates="live"></script>
<h1>Tasks</h1>
<script>
  const headers = { 'content-type': 'application/json' };
  window.postTask = async (task) => {
    const answer = await fetch('${COLLECTION}', { method: 'POST', headers, body: JSON.stringify(task) });
    return { status: answer.status, queued: answer.headers.get('wakelog-queued'), etag: answer.headers.get('etag') };
  };
  window.readTasks = async () => {
    const answer = await fetch('${COLLECTION}');
    const { unsent } = (await wakelog).status.getSnapshot();
    return { titles: (await answer.json()).map(({ title }) => title), queued: answer.headers.get('wakelog-queued'), unsent };
  };
</script>`;

/** True in a page once its worker controls it, keeps the page for offline use, and is level with the server. */
export const PAGE_IS_READY = `(async () => navigator.serviceWorker.controller !== null
  && await caches.match(location.href) !== undefined && await caches.match('/wakelog/wakelog.js') !== undefined
  && (await wakelog).status.getSnapshot().lastSynced !== null)()`;

/** A gate's origin under the host name that makes it a secure context. */
export function originOf({ port }: { readonly port: number }): string {
  return `http://localhost:${port}`;
}

/** `wakelog serve` as a process that can be killed and started again on the same data. */
export interface SendsSite {
  readonly server: ServerBehindGate;
  readonly dataDir: string;
  /** Level with the server; speaks with the process itself, whatever stands between it and the browser. */
  readonly device: (options?: Partial<OpenDeviceOptions>) => Promise<NodeDevice>;
}

export async function startSendsSite(scratch: Scratch): Promise<SendsSite> {
  const dataDir = scratch.folder('data');
  const gate = scratch.use(await createTcpGate(), (it) => it.close());
  const server = scratch.use(await startServerBehindGate(gate, serveCommand(scratch, dataDir)), (it) => it.end());
  return {
    server,
    dataDir,
    async device(options = {}) {
      const url = `http://127.0.0.1:${server.process.port}`;
      const opened = await openDevice({ url, space: SPACE, account: 'bob', live: false, ...options });
      const device = scratch.use(opened, (it) => it.close());
      const outcome = await device.sync();
      if (outcome !== 'level') throw new Error(`the server answers a new device with ${outcome}`);
      return device;
    },
  };
}

export function serveCommand(scratch: Scratch, dataDir: string): ServerCommand {
  const site = scratch.folder('site');
  writeFileSync(join(site, 'index.html'), PAGE);
  const bin = fileURLToPath(new URL('../../../bin/wakelog.mjs', import.meta.url));
  const options = ['--port', '0', '--static', site, '--data', dataDir, '--space', SPACE, '--collection', COLLECTION];
  return { command: ['node', bin, 'serve', ...options] };
}

/** What a server left on its disk; nobody may have it open. */
export interface ServerDisk extends SqliteSpace {
  readonly store: ServingLogStore;
}

export async function readServerDisk<T>(dataDir: string, read: (disk: ServerDisk) => Promise<T>): Promise<T> {
  const database = openSqliteStore(join(dataDir, 'wakelog.sqlite'));
  try {
    const space = database.space(SPACE);
    return await read({ ...space, store: createServingLogStore(space.rows, createNodeCrypto()) });
  } finally {
    await database.close();
  }
}
