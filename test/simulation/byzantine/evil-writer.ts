import type { Bytes } from '../../../core/log/bytes.ts';
import { utf8 } from '../../../core/log/bytes.ts';
import { bodyLength, hashContent, SALT_BYTES } from '../../../core/log/content.ts';
import type { Crypto, WriterKey } from '../../../core/log/crypto.ts';
import { entryId, KIND, NO_ENTRY } from '../../../core/log/header.ts';
import type { LogEnd } from '../../../core/log/run-build.ts';
import type { Run, RunEntry, VerifiedRun } from '../../../core/log/run.ts';
import { encodeRun } from '../../../core/log/run-codec.ts';
import { hashSpace, headMessage } from '../../../core/log/signature.ts';
import type { LogName } from '../../../core/log/version-vector.ts';
import { logName } from '../../../core/log/version-vector.ts';
import type { SimCrypto } from '../world/sim-crypto.ts';
import { EPOCH_MS } from '../world/world.ts';

/** An entry as somebody who keeps no rule may want it. */
export interface EvilDraft {
  readonly kind?: number;
  readonly flags?: number;
  /** Default: one write of a key, that means something. */
  readonly body?: Bytes | string;
  /** Default: one above the writer's last. */
  readonly lamport?: number;
  readonly clock?: number;
}

/** Where a branch of a log stands. */
export interface BranchEnd extends LogEnd {
  readonly lamport: number;
}

/** A writer with a key of its own that is enrolled like any other, and signs whatever it likes. */
export interface EvilWriter {
  readonly account: string;
  readonly log: LogName;
  readonly key: WriterKey;
  readonly spaceHash: Bytes;
  /** What it shows of itself as its log. */
  readonly runs: readonly Bytes[];
  readonly end: () => BranchEnd;
  /** Signs entries after a place of the log; nothing is noted. */
  readonly sign: (drafts: readonly EvilDraft[], after?: BranchEnd, spaceHash?: Bytes) => Promise<VerifiedRun>;
  /** Signs entries after its end, which they become. */
  readonly extend: (drafts: readonly EvilDraft[]) => Promise<VerifiedRun>;
  /** A text that tells this writer's values from each other. */
  readonly nextMark: () => string;
}

const NOTHING: BranchEnd = { sequence: -1, id: NO_ENTRY, lamport: 0 };

export async function createEvilWriter({ crypto, newSeed, seedToWriterKey }: SimCrypto, space: string, account: string): Promise<EvilWriter> {
  const key = seedToWriterKey(newSeed());
  const spaceHash = await hashSpace(crypto, space);
  const runs: Bytes[] = [];
  let end = NOTHING;
  let marks = 0;

  function nextMark(): string {
    marks += 1;
    return `${logName(key.publicKey).slice(0, 6)} ${marks}`;
  }

  async function sign(drafts: readonly EvilDraft[], after: BranchEnd = end, signedFor: Bytes = spaceHash): Promise<VerifiedRun> {
    const entries = drafts.map((draft, i) => toEntry(crypto, draft, after.lamport + 1 + i, nextMark));
    return signRun(crypto, key, signedFor, after, entries);
  }

  async function extend(drafts: readonly EvilDraft[]): Promise<VerifiedRun> {
    const signed = await sign(drafts);
    runs.push(signed.bytes);
    end = endOf(signed);
    return signed;
  }

  await extend([{ kind: KIND.open, body: JSON.stringify({ device: 'of nobody', account }) }]);
  return { account, log: logName(key.publicKey), key, spaceHash, runs, end: () => end, sign, extend, nextMark };
}

export function endOf({ run, ids }: VerifiedRun): BranchEnd {
  return { sequence: run.first + run.entries.length - 1, id: ids.at(-1) ?? NO_ENTRY, lamport: run.entries.at(-1)?.lamport ?? 0 };
}

/** A body that writes a key. Keys of people are among them: their versions are in conflict then, and stay. */
export function writing(key: string, mark: string): string {
  return JSON.stringify({ writes: [['put', key, { evil: mark }, []]] });
}

function toEntry(crypto: Crypto, draft: EvilDraft, nextLamport: number, nextMark: () => string): RunEntry {
  const { kind = KIND.data, flags = 0, lamport = nextLamport, clock = EPOCH_MS } = draft;
  const mark = nextMark();
  const body = draft.body ?? writing(`k/${mark.length % 3}`, mark);
  const bytes = typeof body === 'string' ? utf8(body) : body;
  const content = { form: 'body', parts: [{ salt: crypto.randomBytes(SALT_BYTES), bytes }] } as const;
  return { kind, flags, bodyBytes: bodyLength([bytes], flags), lamport, clock, content };
}

/** Chains and signs without asking whether anybody would take it. */
export async function signRun(crypto: Crypto, key: WriterKey, spaceHash: Bytes, after: LogEnd, entries: readonly RunEntry[]): Promise<VerifiedRun> {
  const log = key.publicKey;
  const ids: Bytes[] = [];
  let { id } = after;
  for (const [i, { kind, flags, bodyBytes, lamport, clock, content }] of entries.entries()) {
    const bodyHash = await hashContent(crypto, content, flags);
    id = await entryId(crypto, { kind, flags, bodyBytes, sequence: after.sequence + 1 + i, lamport, clock, log, previous: id, bodyHash });
    ids.push(id);
  }
  const signature = await key.sign(headMessage(spaceHash, id));
  const run: Run = { log, first: after.sequence + 1, previous: after.id, entries, signature };
  return { run, ids, bytes: encodeRun(run) };
}
