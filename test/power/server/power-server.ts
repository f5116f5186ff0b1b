import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { endWithUs } from '../../platform/parts/scratch.ts';
import type { Scratch } from '../../platform/parts/scratch.ts';
import type { ServerProcess } from '../../platform/server-process.ts';
import { startServerProcess } from '../../platform/server-process.ts';
import { createTcpGate } from '../../platform/tcp-gate.ts';

/** The space of the REST collection; devices write here and in `GARDEN`, so that commits of both share a transaction. */
export const TASKS = 'tasks';
export const GARDEN = 'garden';
export const COLLECTION = '/api/tasks';

/** The sources themselves: a build may be older. */
const PROGRAM = fileURLToPath(new URL('../../../server/cli.ts', import.meta.url));

/** `wakelog serve` on a data folder, behind an address that stays while it dies and comes back. */
export interface PowerServer {
  readonly origin: string;
  /** Starts it and returns its process once it listens. */
  readonly start: () => Promise<ServerProcess>;
  /** Starts it and returns its pid after so long, whether or not it listens by then. */
  readonly startHalf: (forMs: number) => Promise<number>;
  /** Nobody is at the address any more: to be called when the process is gone. */
  readonly isGone: () => void;
}

export interface PowerServerOptions {
  readonly dataDir: string;
  readonly env?: Readonly<Record<string, string>>;
}

export async function createPowerServer(
  scratch: Scratch,
  { dataDir, env = {} }: PowerServerOptions,
): Promise<PowerServer> {
  const gate = scratch.use(await createTcpGate(), (it) => it.close());
  const options = ['--port', '0', '--data', dataDir, '--space', TASKS, '--collection', COLLECTION];
  const command = [PROGRAM, 'serve', ...options];
  return {
    origin: gate.origin,
    async start() {
      const started = await startServerProcess({ command: ['node', ...command], env });
      scratch.use(started, (it) => it.kill());
      gate.setUpstream(started.port);
      return started;
    },
    async startHalf(forMs) {
      const child = spawn(process.execPath, command, { env: { ...process.env, ...env }, stdio: 'ignore' });
      await once(child, 'spawn');
      const { pid } = child;
      if (pid === undefined) throw new Error('the server could not be started');
      child.once('exit', endWithUs(pid));
      await delay(forMs);
      return pid;
    },
    isGone: () => gate.setUpstream(null),
  };
}
