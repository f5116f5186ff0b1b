import { toBase64Url } from '../../../core/log/bytes.ts';
import type { Machine } from '../universe/machine.ts';
import type { Universe } from '../universe/universe.ts';
import { browserHeads } from './rows.ts';

/** The heads of all logs that a machine, or the server in a space, holds: equal texts mean equal logs. */
export function presentHeads(universe: Universe, where: Machine | string): string {
  const heads = typeof where === 'string' ? [...universe.server.disk.rows(where).heads.values()] : browserHeads(where);
  if (heads === undefined) return 'none';
  return heads
    .map(({ log, sequence, id }) => `${log.slice(0, 8)}:${sequence}:${toBase64Url(id).slice(0, 8)}`)
    .toSorted()
    .join(' ');
}
