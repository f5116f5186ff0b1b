import { createHash } from 'node:crypto';
import type { Canary } from '../../core/engine/canary.ts';
import { jsonToMark } from '../../core/engine/canary.ts';
import { readFileIfAny, writeFileAtomically } from '../spaces/atomic-file.ts';

/** The canary of one account and space, a file beside the database: whoever puts an older database back leaves it in place. */
export function createFileCanary(databasePath: string, account: string, space: string): Canary {
  const name = createHash('sha256').update(JSON.stringify([account, space])).digest('base64url').slice(0, 16);
  const path = `${databasePath}.canary-${name}`;
  return {
    read: async () => jsonToMark(JSON.parse((await readFileIfAny(path)) ?? 'null')),
    cover: (mark) => writeFileAtomically(path, JSON.stringify(mark)),
  };
}
