import { createReplica } from '../../../core/engine/create-replica.ts';
import type { EnginePorts } from '../../../core/engine/ports.ts';
import type { Replica } from '../../../core/engine/replica.ts';
import { createLogStore } from '../../../core/log/create-log-store.ts';
import type { RowStore } from '../../../core/log/row-store.ts';
import type { ViewStore } from '../../../core/views/view-store.ts';
import { webClock } from '../../../sw/web-ports.ts';
import type { Machine } from '../universe/machine.ts';
import type { Universe } from '../universe/universe.ts';
import { runAsWorld } from '../world/process.ts';

const INSPECTION_MS = 600_000;

/** Runs a body as a program on the machine (undefined: the server), until it ends. */
export async function inspect({ world }: Universe, machine: Machine | undefined, body: () => Promise<void>): Promise<void> {
  if (world.failure() !== undefined) return;
  let ended = false;
  const end = (): void => {
    ended = true;
  };
  const process = world.spawn({ name: `${machine?.name ?? 'server'}/inspector`, globals: machine?.browser.shared ?? {} }, () => {
    body().then(end, (error: unknown) => {
      runAsWorld(() => world.fail('crash', `while it was inspected: ${error instanceof Error ? error.stack : String(error)}`));
      end();
    });
  });
  await world.run(world.now() + INSPECTION_MS, () => ended);
  world.kill(process);
  if (!ended) world.fail('crash', 'an inspection did not end');
}

/** A replica that only reads, over any stores. */
export async function openInspector({ cryptography }: Universe, space: string, rows: RowStore, viewStore: ViewStore, authorities: readonly string[] = []): Promise<Replica> {
  const { crypto } = cryptography;
  const ports: EnginePorts = {
    crypto,
    clock: webClock,
    random: Math.random,
    lock: (_name, body) => body(),
    writerKeys: { current: async () => undefined, replace: () => Promise.reject(new Error('inspectors write nothing')) },
  };
  const replica = await createReplica({ space, account: 'inspector', device: 'inspector', store: createLogStore(rows, crypto), viewStore, ports, mergeDurability: 'relaxed' });
  await replica.setAuthorities(authorities);
  return replica;
}
