import type { Replica } from '../../../core/engine/replica.ts';
import { createMemoryViewStore } from '../../../core/views/memory-view-store.ts';
import { KIND } from '../../../core/log/header.ts';
import { decodeStoredRun } from '../../../core/log/run-codec.ts';
import { readStatement } from '../../../core/views/key-value/statements.ts';
import { databaseName } from '../../../sw/devices.ts';
import { openIndexedDbStore } from '../../../sw/storage/indexeddb-store.ts';
import { intrusionsOf } from '../byzantine/intrusions.ts';
import type { Machine } from '../universe/machine.ts';
import type { Universe } from '../universe/universe.ts';
import { inspect, openInspector } from './inspect.ts';
import type { RowsWithArrivals } from './rows.ts';
import { browserRows, serverRows } from './rows.ts';

/**
 * Asked of the disks, every program being dead: a device's refusals and enrolments are those that authority logs state, and
 * no others (VIEW8); a log of which the server holds two histories is known as forked by all (SYNC16); and evidence that
 * the server once had, it keeps (LOG15).
 */
export async function checkStatements(universe: Universe): Promise<void> {
  for (const machine of universe.machines) {
    const rows = browserRows(machine);
    if (rows === undefined) continue;
    await inspect(universe, machine, async () => {
      const database = await openIndexedDbStore(databaseName(machine.scope));
      const replica = await openInspector(universe, machine.scope.space, database.rows, createMemoryViewStore());
      await compareStatements(universe, machine, replica, rows);
      await compareForks(universe, machine, replica);
      await database.close();
    });
  }
  checkKeptProofs(universe);
}

async function compareStatements({ world }: Universe, machine: Machine, replica: Replica, rows: RowsWithArrivals): Promise<void> {
  const authorities = new Set(replica.authorities());
  const refused = new Set<string>();
  const accounts = new Map<string, Set<string>>();
  for (const { log, bytes } of rows.runs) {
    if (!authorities.has(log)) continue;
    const run = decodeStoredRun(bytes);
    if (typeof run === 'string') continue;
    for (const entry of run.entries) {
      const statement = readStatement(entry);
      if (entry.kind === KIND.refuse && statement?.kind === 'refuse') refused.add(statement.id);
      if (statement?.kind === 'enrol') accounts.set(statement.log, (accounts.get(statement.log) ?? new Set()).add(statement.account));
    }
  }
  for (const { id } of replica.view.refused()) {
    if (!refused.has(id)) world.fail('VIEW8', `${machine.name} takes ${id} for refused, and no authority said so`);
  }
  for (const { log } of rows.heads) {
    const account = await replica.view.account(log);
    if (account !== undefined && accounts.get(log)?.has(account) !== true) world.fail('VIEW8', `${machine.name} takes ${log} for ${account}'s, and no authority said so`);
  }
}

async function compareForks(universe: Universe, machine: Machine, replica: Replica): Promise<void> {
  const known = new Set(await replica.forkedLogs());
  const { space } = machine.scope;
  const { authorities } = universe.server.inspect(space);
  for (const { log } of serverRows(universe, space).quarantined) {
    if (!known.has(log) && !authorities.includes(log)) universe.world.fail('SYNC16', `the server holds two histories of ${log}, and ${machine.name} does not know`);
  }
}

/** Evidence that the server spoke of is there, unless the server's disk was replaced since. */
function checkKeptProofs(universe: Universe): void {
  const { world, plan } = universe;
  if (plan.faults.some(({ kind }) => kind === 'server-restore')) return;
  for (const { space, log } of intrusionsOf(world).forks()) {
    const { authorities } = universe.server.inspect(space);
    const kept = serverRows(universe, space).quarantined.some((row) => row.log === log);
    if (!kept && !authorities.includes(log)) world.fail('LOG15', `the server refused another history of ${log} and kept no proof`);
  }
}
