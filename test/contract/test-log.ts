import type { Bytes } from '../../core/log/bytes.ts';
import { utf8 } from '../../core/log/bytes.ts';
import type { Crypto, WriterKey } from '../../core/log/crypto.ts';
import { NO_ENTRY } from '../../core/log/header.ts';
import type { Run, RunEntry, VerifiedRun } from '../../core/log/run.ts';
import { buildRuns } from '../../core/log/run-build.ts';
import { encodeRun } from '../../core/log/run-codec.ts';
import { sliceRun } from '../../core/log/run-shape.ts';
import { verifyRun } from '../../core/log/run-verify.ts';
import { headMessage } from '../../core/log/signature.ts';
import type { LogName } from '../../core/log/version-vector.ts';
import { logName } from '../../core/log/version-vector.ts';

export interface NewEntries {
  /** Default 1. */
  readonly count?: number;
  /** Size of each body; what is in it cannot be compressed. Default: a short text that names the entry. */
  readonly bodyBytes?: number;
  /** In so many parts. Default 1. */
  readonly parts?: number;
  /** Default: 1 more than the entry before. */
  readonly lamport?: number;
}

/** A log with its writer's key at hand: any range of it can be signed as a run. */
export interface TestLog {
  readonly name: LogName;
  readonly length: () => number;
  readonly id: (sequence: number) => Bytes;
  readonly entry: (sequence: number) => RunEntry;
  /** Appends entries and returns their last sequence. */
  readonly grow: (entries?: NewEntries) => Promise<number>;
  /** Entries `first` to `last`, the last one signed. By default from `first` to the end. */
  readonly run: (first: number, last?: number) => Promise<VerifiedRun>;
  /** `grow`, and what it appended as one run. */
  readonly append: (entries?: NewEntries) => Promise<VerifiedRun>;
  /** The same log up to and with `last`, to go on otherwise from there: a fork. */
  readonly branch: (last: number) => TestLog;
}

interface Chain {
  readonly entries: RunEntry[];
  readonly ids: Bytes[];
}

export function createTestLog(
  crypto: Crypto,
  spaceHash: Bytes,
  key: WriterKey,
  chain: Chain = { entries: [], ids: [] },
): TestLog {
  const { entries, ids } = chain;
  const name = logName(key.publicKey);

  async function grow({ count = 1, bodyBytes, parts = 1, lamport }: NewEntries = {}): Promise<number> {
    for (let i = 0; i < count; i++) {
      const sequence = entries.length;
      const bodies = Array.from({ length: parts }, (_, part) =>
        bodyBytes === undefined
          ? utf8(`entry ${sequence} part ${part}`)
          : randomBytes(crypto, Math.floor(bodyBytes / parts)),
      );
      const draft = {
        kind: 0,
        parts: bodies,
        lamport: lamport ?? (entries.at(-1)?.lamport ?? 0) + 1,
        clock: 1_800_000_000_000,
      };
      const end = { sequence: sequence - 1, id: ids.at(-1) ?? NO_ENTRY };
      const [built] = await buildRuns(crypto, key, spaceHash, end, [draft]);
      const [entry, id] = [built?.run.entries[0], built?.ids[0]];
      if (entry === undefined || id === undefined) throw new Error('no entry was built');
      entries.push(entry);
      ids.push(id);
    }
    return entries.length - 1;
  }

  async function run(first: number, last: number = entries.length - 1): Promise<VerifiedRun> {
    const end = ids[last];
    if (end === undefined) throw new Error(`entry ${last} does not exist`);
    const signature = await key.sign(headMessage(spaceHash, end));
    const previous = ids[first - 1] ?? NO_ENTRY;
    const made: Run = { log: key.publicKey, first, previous, entries: entries.slice(first, last + 1), signature };
    return { run: made, ids: ids.slice(first, last + 1), bytes: encodeRun(made) };
  }

  return {
    name,
    length: () => entries.length,
    id: (sequence) => at(ids, sequence),
    entry: (sequence) => at(entries, sequence),
    grow,
    run,
    append: async (more) => run(entries.length, await grow(more)),
    branch: (last) =>
      createTestLog(crypto, spaceHash, key, { entries: entries.slice(0, last + 1), ids: ids.slice(0, last + 1) }),
  };
}

/** What a peer sends of a run when asked for `first` to `last`: the rest comes along without bodies (LOG9). */
export async function partOf(
  crypto: Crypto,
  spaceHash: Bytes,
  { run }: VerifiedRun,
  first: number,
  last: number,
): Promise<VerifiedRun> {
  const verified = await verifyRun(crypto, spaceHash, encodeRun(await sliceRun(crypto, run, first, last)));
  if (typeof verified === 'string') throw new Error(`a part of a run does not verify: ${verified}`);
  return verified;
}

/** Random bytes of any length; browsers give at most 64 KiB at once. */
export function randomBytes(crypto: Crypto, length: number): Bytes {
  const bytes = new Uint8Array(length);
  for (let from = 0; from < length; from += 65_536)
    bytes.set(crypto.randomBytes(Math.min(65_536, length - from)), from);
  return bytes;
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new Error(`entry ${index} does not exist`);
  return item;
}
