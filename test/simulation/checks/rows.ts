import { databaseName } from '../../../sw/devices.ts';
import type { ArrivalRow, HeadRow, QuarantinedRow, RunRow } from '../../../core/log/row-store.ts';
import type { LogName } from '../../../core/log/version-vector.ts';
import type { Machine } from '../universe/machine.ts';
import type { Universe } from '../universe/universe.ts';
import { joinPieces } from './join-pieces.ts';
import { peek } from './peek.ts';
import type { StoredRows } from './stored-log.ts';

export interface RowsWithArrivals extends StoredRows {
  readonly arrivals: readonly ArrivalRow[];
}

/** What the browser's database of its account and space holds, committed; undefined when there is none. */
export function browserRows({ disk, scope }: Machine): RowsWithArrivals | undefined {
  const read = peek(disk, databaseName(scope));
  if (read === undefined) return undefined;
  const found: { readonly row: RunRow; readonly pieces: RunRow['bytes'][] }[] = [];
  for (const { key, value } of read('runs')) {
    const [log, first] = key as unknown as readonly [LogName, number];
    if ((key as readonly unknown[]).length > 2) {
      // A further piece of the row before.
      found.at(-1)?.pieces.push(value as RunRow['bytes']);
      continue;
    }
    const { count, lastId, piece } = value as { readonly count: number; readonly lastId: RunRow['lastId']; readonly piece: RunRow['bytes'] };
    found.push({ row: { log, first, count, lastId, bytes: piece }, pieces: [piece] });
  }
  const runs = found.map(({ row, pieces }) => (pieces.length === 1 ? row : { ...row, bytes: joinPieces(pieces) }));
  return {
    heads: read('heads').map(({ value }) => value as HeadRow),
    runs,
    arrivals: read('arrivals').map(({ value }) => value as ArrivalRow),
    quarantined: read('quarantined').filter(({ key }) => (key as readonly unknown[]).length === 3).map(({ value }) => firstPiece(value as QuarantinedRow & { readonly piece: QuarantinedRow['bytes'] })),
    values: new Map(read('values').map(({ key, value }) => [key as string, value as string])),
  };
}

/** Only the heads: much less than all. */
export function browserHeads({ disk, scope }: Machine): readonly HeadRow[] | undefined {
  return peek(disk, databaseName(scope))?.('heads').map(({ value }) => value as HeadRow);
}

export function serverRows({ server }: Universe, space: string): RowsWithArrivals {
  const { heads, runs, arrivals, quarantined, values } = server.disk.rows(space);
  return { heads: [...heads.values()], runs: [...runs.values()].flat(), arrivals, quarantined: [...quarantined.values()], values };
}

/** Of a run of another branch; what it shows is in its first piece. */
function firstPiece({ piece, ...row }: QuarantinedRow & { readonly piece: QuarantinedRow['bytes'] }): QuarantinedRow {
  return { ...row, bytes: piece };
}
