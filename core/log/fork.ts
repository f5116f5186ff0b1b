import type { Bytes } from './bytes.ts';
import { isEqual } from './bytes.ts';
import type { Crypto } from './crypto.ts';
import type { ForkProof } from './log-store.ts';
import type { Run } from './run.ts';
import { encodeRun } from './run-codec.ts';
import { headersOnly } from './run-shape.ts';
import { chainIds, verifyRun } from './run-verify.ts';
import { logName } from './version-vector.ts';

/**
 * The proof that `other` contradicts one of the `held` runs of its log: both header chains up to their signatures
 * (LOG15). Undefined when nothing contradicts.
 */
export async function proveFork(crypto: Crypto, held: readonly Run[], other: Run): Promise<ForkProof | undefined> {
  const otherIds = await idsBySequence(crypto, other);
  for (const run of held) {
    const sequence = firstContradiction(await idsBySequence(crypto, run), otherIds);
    if (sequence === undefined) continue;
    return {
      log: logName(other.log),
      sequence,
      held: encodeRun(await headersOnly(crypto, run)),
      other: encodeRun(await headersOnly(crypto, other)),
    };
  }
  return undefined;
}

/** Checks a proof that anybody may have sent: its bytes alone convict the log's writer, or they do not (LOG15). */
export async function verifyForkProof(crypto: Crypto, spaceHash: Bytes, proof: ForkProof): Promise<boolean> {
  const held = await verifyRun(crypto, spaceHash, proof.held);
  const other = await verifyRun(crypto, spaceHash, proof.other);
  if (typeof held === 'string' || typeof other === 'string' || !isEqual(held.run.log, other.run.log)) return false;
  if (logName(held.run.log) !== proof.log) return false;
  const [a, b] = [await idsBySequence(crypto, held.run), await idsBySequence(crypto, other.run)];
  return firstContradiction(a, b) === proof.sequence;
}

/** A run names the ids of its entries and of the one before its first. */
async function idsBySequence(crypto: Crypto, run: Run): Promise<Map<number, Bytes>> {
  const ids = await chainIds(crypto, run);
  const named = new Map(ids.map((id, i) => [run.first + i, id]));
  if (run.first > 0) named.set(run.first - 1, run.previous);
  return named;
}

function firstContradiction(a: ReadonlyMap<number, Bytes>, b: ReadonlyMap<number, Bytes>): number | undefined {
  let first: number | undefined;
  for (const [sequence, id] of a) {
    const other = b.get(sequence);
    if (other !== undefined && !isEqual(id, other) && (first === undefined || sequence < first)) first = sequence;
  }
  return first;
}

