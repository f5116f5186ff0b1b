import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Log, WakelogHandler, WakelogOptions } from '../../../server/index.ts';
import { wakelog } from '../../../server/index.ts';
import { createSite } from '../../../server/routes/site.ts';

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: object;
  readonly message: string;
}

/** A server in this process, on a free port. */
export interface TestServer {
  readonly url: string;
  readonly handler: WakelogHandler;
  readonly lines: readonly LogLine[];
  readonly stop: () => Promise<void>;
}

export async function startServer(options: WakelogOptions, port = 0): Promise<TestServer> {
  const lines: LogLine[] = [];
  const log = createCollectingLog(lines);
  const handler = await wakelog({ log, ...options });
  const server = createServer(createSite(handler, undefined, log));
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}`,
    handler,
    lines,
    async stop() {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      await handler.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

export function createCollectingLog(lines: LogLine[]): Log {
  const at = (level: LogLine['level']) => (fields: object, message: string) =>
    void lines.push({ level, fields, message });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** A new folder, and the way to remove it. */
export async function makeFolder(): Promise<{ readonly path: string; readonly remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'wakelog-server-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** So that memory can be measured: what is left is held by somebody. */
export function collectGarbage(): void {
  setFlagsFromString('--expose_gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
}
