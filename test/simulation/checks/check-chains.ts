import type { Bytes } from '../../../core/log/bytes.ts';
import { isEqual } from '../../../core/log/bytes.ts';
import type { RunRow } from '../../../core/log/row-store.ts';
import type { Run } from '../../../core/log/run.ts';
import { decodeStoredRun } from '../../../core/log/run-codec.ts';
import { chainIds } from '../../../core/log/run-verify.ts';
import { hashSpace, headMessage } from '../../../core/log/signature.ts';
import type { Universe } from '../universe/universe.ts';
import type { RowsWithArrivals } from './rows.ts';
import { browserRows, serverRows } from './rows.ts';

/**
 * Every entry that is kept follows the one before it by its id, from the first one on, up to what the head says; every row
 * is signed by its log's key (LOG8, LOG13). Computed from the bytes, not from what the store says of them.
 */
export async function checkChains(universe: Universe): Promise<void> {
  for (const machine of universe.machines) await checkStore(universe, machine.name, machine.scope.space, browserRows(machine));
  for (const space of universe.server.disk.spaceNames()) await checkStore(universe, 'server', space, serverRows(universe, space));
}

async function checkStore(universe: Universe, where: string, space: string, rows: RowsWithArrivals | undefined): Promise<void> {
  if (rows === undefined) return;
  const { world, cryptography } = universe;
  const { crypto } = cryptography;
  const spaceHash = await hashSpace(crypto, space);
  const byLog = Map.groupBy(rows.runs, ({ log }) => log);
  for (const { log, sequence, id } of rows.heads) {
    let previous: Bytes | undefined;
    for (const row of (byLog.get(log) ?? []).toSorted((a, b) => a.first - b.first)) {
      const run = decoded(row);
      if (previous !== undefined && !isEqual(run.previous, previous)) return world.fail('LOG13', `${where}: ${run.first} of ${log} does not follow the entry before it`);
      previous = (await chainIds(crypto, run)).at(-1) ?? run.previous;
      const isSigned = await crypto.verifyEd25519(run.log, headMessage(spaceHash, previous), run.signature);
      if (!isSigned) return world.fail('LOG8', `${where}: the row of ${log} from ${run.first} is not signed by its key`);
    }
    if (previous === undefined || !isEqual(previous, id)) world.fail('LOG13', `${where}: the head of ${log}, at ${sequence}, is not its last entry`);
  }
}

function decoded({ bytes }: RunRow): Run {
  const run = decodeStoredRun(bytes);
  if (typeof run === 'string') throw new Error(`a stored run does not decode: ${run}`);
  return run;
}
