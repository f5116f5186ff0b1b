import type { Body } from '../../../core/log/body.ts';
import { partsToBody } from '../../../core/log/body.ts';
import { isEqual, toBase64Url, toHex } from '../../../core/log/bytes.ts';
import { KIND, NO_ENTRY } from '../../../core/log/header.ts';
import type { Head, LogStore } from '../../../core/log/log-store.ts';
import { encodeRun } from '../../../core/log/run-codec.ts';
import { verifyRun } from '../../../core/log/run-verify.ts';
import { hashSpace } from '../../../core/log/signature.ts';
import type { LogName } from '../../../core/log/version-vector.ts';
import { createNodeCrypto } from '../../../server/crypto/node-crypto.ts';

/** A data entry as a store holds it. */
export interface LoggedEntry {
  readonly id: string;
  readonly sequence: number;
  readonly body: Body;
}

/** One whole log, verified from its first entry to its last. */
export interface WholeLog {
  readonly log: LogName;
  /** Ids of all entries, in order: the same ids are the same log, byte for byte. */
  readonly ids: readonly string[];
  readonly data: readonly LoggedEntry[];
}

const crypto = createNodeCrypto();

/** Every log of a store, each verified anew: signatures, chain, bodies, from sequence 0 without a gap to its head. Throws else. */
export async function readLogs(store: LogStore, space: string): Promise<readonly WholeLog[]> {
  const heads = await store.heads();
  return Promise.all(heads.map((head) => readLog(store, space, head)));
}

async function readLog(store: LogStore, space: string, head: Head): Promise<WholeLog> {
  const spaceHash = await hashSpace(crypto, space);
  const ids: string[] = [];
  const data: LoggedEntry[] = [];
  let previous = NO_ENTRY;
  while (ids.length <= head.sequence) {
    const [read] = await store.range(head.log, ids.length, head.sequence, 0);
    const verified = read === undefined ? 'nothing is there' : await verifyRun(crypto, spaceHash, encodeRun(read));
    if (typeof verified === 'string') throw new Error(`log ${head.log} from ${ids.length} on: ${verified}`);
    const { run } = verified;
    if (run.first !== ids.length) throw new Error(`log ${head.log}: ${run.first} comes after ${ids.length - 1}`);
    if (!isEqual(run.previous, previous)) throw new Error(`log ${head.log} is broken before ${run.first}`);
    for (const [i, entry] of run.entries.entries()) {
      const sequence = run.first + i;
      const id = toBase64Url(verified.ids[i] ?? NO_ENTRY);
      ids.push(id);
      if (entry.kind !== KIND.data) continue;
      const body = entry.content.form === 'body' ? partsToBody(entry.content.parts, sequence) : undefined;
      if (body === undefined) throw new Error(`log ${head.log}: entry ${sequence} has no meaning`);
      data.push({ id, sequence, body });
    }
    previous = verified.ids.at(-1) ?? NO_ENTRY;
  }
  if (!isEqual(previous, head.id))
    throw new Error(`log ${head.log} ends at ${toHex(previous)}, its head is ${toHex(head.id)}`);
  return { log: head.log, ids, data };
}

/** The values that were put under keys of a collection, in the order of the log. */
export function valuesOf(log: WholeLog, collection: string): unknown[] {
  return log.data.flatMap(({ body }) =>
    body.writes.flatMap((write) => (write[0] === 'put' && write[1].startsWith(`${collection}/`) ? [write[2]] : [])),
  );
}
