import { createReplica } from '../../../core/engine/create-replica.ts';
import type { EnginePorts } from '../../../core/engine/ports.ts';
import { createLogStore } from '../../../core/log/create-log-store.ts';
import type { RowStore } from '../../../core/log/row-store.ts';
import { createMemoryViewStore } from '../../../core/views/memory-view-store.ts';
import type { ViewStore } from '../../../core/views/view-store.ts';
import { databaseName } from '../../../sw/devices.ts';
import { openIndexedDbStore } from '../../../sw/storage/indexeddb-store.ts';
import { webClock } from '../../../sw/web-ports.ts';
import type { Machine } from '../universe/machine.ts';
import type { Universe } from '../universe/universe.ts';
import { runAsWorld } from '../world/process.ts';

/**
 * The last question, asked of the disks alone, every program being dead: a view that is gone on with from where it was
 * written is the view that is built anew, and replicas with the same entries have the same one, byte by byte (VIEW2, VIEW3).
 */
export async function checkViews(universe: Universe): Promise<void> {
  const { world, machines, server } = universe;
  for (const { browser } of machines) browser.kill();
  server.kill();
  const states = new Map<string, { readonly where: string; readonly state: string }>();
  const compare = (space: string, where: string, state: string): void => {
    const known = states.get(space);
    if (known === undefined) states.set(space, { where, state });
    else if (known.state !== state) world.fail('VIEW3', `${where} and ${known.where} hold the same entries of ${space} and show ${differenceOf(known.state, state)}`);
  };
  for (const machine of machines) {
    const { scope } = machine;
    await inspect(universe, machine, async () => {
      const [stored, again] = [await stateOf(universe, machine, 'as stored'), await stateOf(universe, machine, 'built anew')];
      if (stored !== again) world.fail('VIEW2', `${machine.name}: the view as stored and the view built anew differ: ${differenceOf(stored, again)}`);
      compare(scope.space, machine.name, again);
    });
  }
  for (const space of new Set(machines.map(({ scope }) => scope.space))) {
    await inspect(universe, undefined, async () => {
      const { rows, views, authorities } = server.inspect(space);
      const [stored, again] = [await fold(universe, space, rows, views, authorities), await fold(universe, space, rows, createMemoryViewStore(), authorities)];
      if (stored !== again) world.fail('VIEW2', `server: the view as stored and the view built anew differ: ${differenceOf(stored, again)}`);
      compare(space, 'server', again);
    });
  }
}

const INSPECTION_MS = 600_000;

/** Runs a body as a program on the machine, until it ends. */
async function inspect({ world }: Universe, machine: Machine | undefined, body: () => Promise<void>): Promise<void> {
  if (world.failure() !== undefined) return;
  let ended = false;
  const end = (): void => {
    ended = true;
  };
  world.spawn({ name: `${machine?.name ?? 'server'}/inspector`, globals: machine?.browser.shared ?? {} }, () => {
    body().then(end, (error: unknown) => {
      runAsWorld(() => world.fail('crash', `while views were compared: ${error instanceof Error ? error.stack : String(error)}`));
      end();
    });
  });
  await world.run(world.now() + INSPECTION_MS, () => ended);
  if (!ended) world.fail('crash', 'views could not be compared');
}

async function stateOf(universe: Universe, { scope }: Machine, how: 'as stored' | 'built anew'): Promise<string> {
  const database = await openIndexedDbStore(databaseName(scope));
  const state = await fold(universe, scope.space, database.rows, how === 'as stored' ? database.views : createMemoryViewStore());
  await database.close();
  return state;
}

async function fold({ cryptography }: Universe, space: string, rows: RowStore, viewStore: ViewStore, authorities: readonly string[] = []): Promise<string> {
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
  return replica.view.canonicalState();
}

function differenceOf(a: string, b: string): string {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  const from = Math.max(0, at - 60);
  return `«${a.slice(from, at + 120)}» against «${b.slice(from, at + 120)}»`;
}
