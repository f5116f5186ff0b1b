import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express from 'express';
import type { RequestHandler } from 'express';
import { pino } from 'pino';
import type { WakelogHandler, WakelogOptions } from '../../server/index.ts';
import { wakelog } from '../../server/index.ts';

export interface TestServer {
  readonly url: string;
  readonly dataDir: string;
  readonly handler: WakelogHandler;
  /** Set to step in front of every request; undefined lets all through. */
  mischief: RequestHandler | undefined;
  readonly stop: () => Promise<void>;
}

export interface TestServerOptions extends Partial<WakelogOptions> {
  /** 0 for any. */
  readonly port?: number;
}

/** A server in this process on a loopback port: the real routes, the real SQLite. */
export async function startTestServer({ port = 0, ...options }: TestServerOptions = {}): Promise<TestServer> {
  const dataDir = options.dataDir ?? (await makeTempDir());
  const handler = await wakelog({ log: pino({ level: 'silent' }), ...options, dataDir });
  const app = express();
  const started: Pick<TestServer, 'mischief'> = { mischief: undefined };
  app.use((request, response, next) => (started.mischief === undefined ? next() : started.mischief(request, response, next)));
  app.use(handler);
  const server = app.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const stop = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    await handler.close();
    server.closeAllConnections();
    await closed;
  };
  return Object.assign(started, { url, dataDir, handler, stop });
}

const tempDirs: string[] = [];

/** A folder that is removed when the process ends its tests; see `removeTempDirs`. */
export async function makeTempDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'wakelog-test-'));
  tempDirs.push(dir);
  return dir;
}

export async function removeTempDirs(): Promise<void> {
  for (const dir of tempDirs.splice(0)) await rm(dir, { recursive: true, force: true });
}
