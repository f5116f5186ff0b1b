import { hash } from 'node:crypto';
import type { Bytes } from '../../../core/log/bytes.ts';
import { utf8 } from '../../../core/log/bytes.ts';
import type { Crypto, WriterKey } from '../../../core/log/crypto.ts';
import { NO_ENTRY } from '../../../core/log/header.ts';
import type { Run, VerifiedRun } from '../../../core/log/run.ts';
import type { DraftEntry, LogEnd } from '../../../core/log/run-build.ts';
import { buildRuns } from '../../../core/log/run-build.ts';
import { encodeRun } from '../../../core/log/run-codec.ts';
import { chainIds, verifyRun } from '../../../core/log/run-verify.ts';
import { hashSpace, headMessage } from '../../../core/log/signature.ts';
import type { LogName } from '../../../core/log/version-vector.ts';
import { logName } from '../../../core/log/version-vector.ts';
import { createNodeCrypto } from '../../../server/crypto/node-crypto.ts';
import { seedToWriterKey } from '../../../server/crypto/node-writer-key.ts';

const real = createNodeCrypto();

/** The same bytes for the same name, for keys and salts that tests can repeat. */
export function bytesOf(name: string, length = 32): Bytes {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 32) {
    const block = hash('sha256', `${name}/${at}`, 'buffer');
    bytes.set(block.subarray(0, Math.min(32, length - at)), at);
  }
  return bytes;
}

/** Real cryptography whose random bytes repeat from run to run. */
export function createRepeatableCrypto(name = 'salts'): Crypto {
  let taken = 0;
  return { ...real, randomBytes: (length) => bytesOf(`${name}/${taken++}`, length) };
}

export const SPACE = 'test space';
export const SPACE_HASH: Bytes = await hashSpace(real, SPACE);

export interface DraftLike {
  readonly kind?: number;
  readonly parts?: readonly Bytes[];
  /** Shorthand for one part of text. */
  readonly text?: string;
  readonly lamport?: number;
  readonly clock?: number;
}

/** A log's only writer: each call appends and returns the runs it signed. */
export interface TestWriter {
  readonly key: WriterKey;
  readonly log: LogName;
  readonly end: () => LogEnd;
  /** One call signs as few runs as fit. */
  readonly write: (...drafts: readonly DraftLike[]) => Promise<readonly VerifiedRun[]>;
  /** Exactly one run. */
  readonly writeRun: (...drafts: readonly DraftLike[]) => Promise<VerifiedRun>;
}

export function createTestWriter(
  name = 'writer',
  crypto: Crypto = createRepeatableCrypto(name),
  end?: LogEnd,
): TestWriter {
  const key = seedToWriterKey(bytesOf(`seed of ${name}`));
  let at = end ?? { sequence: -1, id: NO_ENTRY };
  let lamport = at.sequence + 1;

  async function write(...drafts: readonly DraftLike[]): Promise<readonly VerifiedRun[]> {
    const full = drafts.map((draft): DraftEntry => {
      lamport = draft.lamport ?? lamport + 1;
      return {
        kind: draft.kind ?? 0,
        parts: draft.parts ?? [utf8(draft.text ?? '{"writes":[]}')],
        lamport,
        clock: draft.clock ?? 1_700_000_000_000 + lamport,
      };
    });
    const runs = await buildRuns(crypto, key, SPACE_HASH, at, full);
    for (const { run, ids } of runs) {
      at = { sequence: run.first + run.entries.length - 1, id: ids.at(-1) ?? at.id };
    }
    return runs;
  }

  async function writeRun(...drafts: readonly DraftLike[]): Promise<VerifiedRun> {
    const [run, ...more] = await write(...drafts);
    if (run === undefined || more.length > 0) throw new Error('these drafts do not make one run');
    return run;
  }

  return { key, log: logName(key.publicKey), end: () => at, write, writeRun };
}

/** A run of any entries under a signature that is right for them, whatever a well-behaved writer would do. */
export async function signRun(key: WriterKey, unsigned: Omit<Run, 'log' | 'signature'>): Promise<Run> {
  const run = { ...unsigned, log: key.publicKey, signature: new Uint8Array(64) };
  const head = (await chainIds(real, run)).at(-1);
  if (head === undefined) throw new Error('a run has at least one entry');
  return { ...run, signature: await key.sign(headMessage(SPACE_HASH, head)) };
}

/** A run as a peer sees it that gets it over the wire; throws when the peer would refuse it. */
export async function verified(run: Run | Bytes): Promise<VerifiedRun> {
  const result = await verifyRun(real, SPACE_HASH, run instanceof Uint8Array ? run : encodeRun(run));
  if (typeof result === 'string') throw new Error(`refused: ${result}`);
  return result;
}

/** Neighbouring runs as one, whatever its size: what a writer of its own making could sign. */
export function joined(runs: readonly VerifiedRun[]): Run {
  const [first, last] = [runs[0]?.run, runs.at(-1)?.run];
  if (first === undefined || last === undefined) throw new Error('nothing to join');
  return { ...first, entries: runs.flatMap(({ run }) => run.entries), signature: last.signature };
}

/** `count` drafts whose bodies name their own number. */
export function numbered(count: number, first = 0): DraftLike[] {
  return Array.from({ length: count }, (_, i) => ({
    text: JSON.stringify({ writes: [['put', `key ${first + i}`, i, []]] }),
  }));
}
