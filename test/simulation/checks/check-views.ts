import type { RowStore } from '../../../core/log/row-store.ts';
import { createMemoryViewStore } from '../../../core/views/memory-view-store.ts';
import type { ViewStore } from '../../../core/views/view-store.ts';
import { databaseName } from '../../../sw/devices.ts';
import { openIndexedDbStore } from '../../../sw/storage/indexeddb-store.ts';
import type { Machine } from '../universe/machine.ts';
import type { Universe } from '../universe/universe.ts';
import { isRefused } from '../universe/universe.ts';
import { checkDisplayed } from './check-displayed.ts';
import { checkParents } from './check-parents.ts';
import { inspect, openInspector } from './inspect.ts';
import { serverRows } from './rows.ts';

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
      checkRefused(universe, space, again);
      const replica = await openInspector(universe, space, rows, createMemoryViewStore(), authorities);
      await replica.release();
      await checkDisplayed(universe, 'server', replica, serverRows(universe, space));
    });
  }
  if (world.failure() === undefined) await checkParents(universe);
}

/** What the authority objects to is never shown, whenever the server died between an entry and its verdict (SYNC8, VIEW8). */
function checkRefused({ world, plan }: Universe, space: string, state: string): void {
  if (!plan.scale.validator) return;
  for (const [, number] of state.matchAll(/"w":(\d+)/g)) {
    if (isRefused(Number(number))) world.fail('SYNC8', `write ${number} of ${space} is shown, and the authority refuses such writes`);
  }
}

async function stateOf(universe: Universe, { scope }: Machine, how: 'as stored' | 'built anew'): Promise<string> {
  const database = await openIndexedDbStore(databaseName(scope));
  const state = await fold(universe, scope.space, database.rows, how === 'as stored' ? database.views : createMemoryViewStore());
  await database.close();
  return state;
}

async function fold(universe: Universe, space: string, rows: RowStore, viewStore: ViewStore, authorities: readonly string[] = []): Promise<string> {
  const replica = await openInspector(universe, space, rows, viewStore, authorities);
  return replica.view.canonicalState();
}

function differenceOf(a: string, b: string): string {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  const from = Math.max(0, at - 60);
  return `«${a.slice(from, at + 120)}» against «${b.slice(from, at + 120)}»`;
}
