import type { Bytes } from './bytes.ts';
import type { Content, Part } from './content.ts';
import { bodyLength, hashContent, partsFlag, SALT_BYTES } from './content.ts';
import type { Crypto, WriterKey } from './crypto.ts';
import { entryId } from './header.ts';
import { MAX_RUN_BYTES, MAX_RUN_ENTRIES } from './limits.ts';
import type { RunEntry, VerifiedRun } from './run.ts';
import { entryWeightBytes, runWeightBytes } from './run.ts';
import { encodeRun } from './run-codec.ts';
import { headMessage } from './signature.ts';

/** An entry that its writer wants appended. `parts` of more than one make the flag `parts`. */
export interface DraftEntry {
  readonly kind: number;
  readonly parts: readonly Bytes[];
  readonly lamport: number;
  /** ms */
  readonly clock: number;
}

export interface LogEnd {
  readonly sequence: number;
  readonly id: Bytes;
}

/**
 * Chains and signs drafts after `end` into as few runs as fit (LOG4). Nothing is stored; until the runs are durable,
 * their signatures must not leave the device (LOG10).
 */
export async function buildRuns(
  crypto: Crypto,
  key: WriterKey,
  spaceHash: Bytes,
  end: LogEnd,
  drafts: readonly DraftEntry[],
): Promise<VerifiedRun[]> {
  const runs: VerifiedRun[] = [];
  let { sequence, id } = end;
  for (const group of groupsThatFit(drafts)) {
    const [first, previous] = [sequence + 1, id];
    const entries: RunEntry[] = [];
    const ids: Bytes[] = [];
    for (const draft of group) {
      const entry = draftToEntry(crypto, draft);
      const hashing = hashContent(crypto, entry.content, entry.flags);
      const bodyHash = hashing instanceof Promise ? await hashing : hashing;
      sequence += 1;
      const { kind, flags, bodyBytes, lamport, clock } = entry;
      const log = key.publicKey;
      const naming = entryId(crypto, { kind, flags, bodyBytes, sequence, lamport, clock, log, previous: id, bodyHash });
      id = naming instanceof Promise ? await naming : naming;
      entries.push(entry);
      ids.push(id);
    }
    const signature = await key.sign(headMessage(spaceHash, id));
    const run = { log: key.publicKey, first, previous, entries, signature };
    runs.push({ run, ids, bytes: encodeRun(run) });
  }
  return runs;
}

function* groupsThatFit(drafts: readonly DraftEntry[]): Generator<readonly DraftEntry[]> {
  let start = 0;
  let bytes = runWeightBytes([]);
  for (const [i, draft] of drafts.entries()) {
    const size = entryWeightBytes(bodyLength(draft.parts, partsFlag(draft.parts.length)));
    if (i > start && (i - start === MAX_RUN_ENTRIES || bytes + size > MAX_RUN_BYTES)) {
      yield drafts.slice(start, i);
      start = i;
      bytes = runWeightBytes([]);
    }
    bytes += size;
  }
  if (start < drafts.length) yield drafts.slice(start);
}

function draftToEntry(crypto: Crypto, draft: DraftEntry): RunEntry {
  const salts = crypto.randomBytes(SALT_BYTES * draft.parts.length);
  const parts: Part[] = draft.parts.map((bytes, i) => ({
    salt: salts.subarray(i * SALT_BYTES, (i + 1) * SALT_BYTES),
    bytes,
  }));
  const content: Content = { form: 'body', parts };
  const { kind, lamport, clock } = draft;
  const flags = partsFlag(parts.length);
  return { kind, flags, bodyBytes: bodyLength(draft.parts, flags), lamport, clock, content };
}
