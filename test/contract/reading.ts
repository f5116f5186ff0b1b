import type { Bytes } from '../../core/log/bytes.ts';
import { toHex } from '../../core/log/bytes.ts';
import type { Content } from '../../core/log/content.ts';
import type { Crypto } from '../../core/log/crypto.ts';
import type { ServingLogStore } from '../../core/log/log-store.ts';
import type { Run } from '../../core/log/run.ts';
import { encodeRun } from '../../core/log/run-codec.ts';
import { verifyRun } from '../../core/log/run-verify.ts';
import type { LogName } from '../../core/log/version-vector.ts';
import { logName } from '../../core/log/version-vector.ts';
import { check, checkEqual } from './check.ts';
import type { TestLog } from './test-log.ts';

export interface Verifier {
  readonly crypto: Crypto;
  readonly spaceHash: Bytes;
}

/** What is held of an entry: the bytes of its parts, `-` for an erased one, or the form that stands for all. */
export function contentText(content: Content): string {
  return content.form === 'body'
    ? content.parts.map((part) => ('hash' in part ? '-' : toHex(part.bytes))).join('+')
    : content.form;
}

/**
 * Verifies runs as a receiver would and returns what they hold: log and sequence → content. Each must continue the one
 * before it of its log.
 */
export async function readRuns(
  { crypto, spaceHash }: Verifier,
  runs: readonly Run[],
  log?: TestLog,
): Promise<Map<number, string>> {
  const contents = new Map<number, string>();
  let next: number | undefined;
  for (const run of runs) {
    const verified = await verifyRun(crypto, spaceHash, encodeRun(run));
    check(typeof verified !== 'string', `a run from ${run.first} on is ${JSON.stringify(verified)}`);
    if (next !== undefined) checkEqual(run.first, next, 'the first sequence of the next run');
    next = run.first + run.entries.length;
    for (const [i, entry] of run.entries.entries()) {
      if (log !== undefined) checkEqual(verified.ids[i], log.id(run.first + i), `the id of entry ${run.first + i}`);
      contents.set(run.first + i, contentText(entry.content));
    }
  }
  return contents;
}

/** Checks that a store holds entries `first` to `last` of a log, each with the content that `expected` gives it. */
export async function checkHeld(
  verifier: Verifier,
  store: ServingLogStore,
  log: TestLog,
  {
    first = 0,
    last = log.length() - 1,
    expected = wholeContent(log),
  }: { first?: number; last?: number; expected?: (sequence: number) => string } = {},
): Promise<void> {
  const contents = await readRuns(verifier, await store.range(log.name, first, last, Number.MAX_SAFE_INTEGER), log);
  for (let sequence = first; sequence <= last; sequence++) {
    const held = contents.get(sequence);
    check(
      held === expected(sequence),
      `entry ${sequence} is ${shortened(held)} and not ${shortened(expected(sequence))}`,
    );
  }
  if (first <= last) checkEqual(Math.min(...contents.keys()), first, 'the first sequence of a range');
}

export function wholeContent(log: TestLog): (sequence: number) => string {
  return (sequence) => contentText(log.entry(sequence).content);
}

/** Checks that a store's head of a log is the end of `log`, and that it holds all of it. */
export async function checkHoldsAll(verifier: Verifier, store: ServingLogStore, log: TestLog): Promise<void> {
  await checkHead(store, log, log.length() - 1);
  await checkHeld(verifier, store, log);
}

export async function checkHead(store: ServingLogStore, log: TestLog, sequence: number): Promise<void> {
  const head = await store.head(log.name);
  checkEqual(
    head && { log: head.log, floor: head.floor, sequence: head.sequence, id: head.id, lamport: head.lamport },
    { log: log.name, floor: 0, sequence, id: log.id(sequence), lamport: log.entry(sequence).lamport },
    'the head',
  );
}

/** What one reader by position met: how often each entry arrived with its body. */
export type Met = Map<LogName, Map<number, number>>;

/** Reads on from `position` once and notes what arrived; returns where to go on and whether nothing is left. */
export async function readOn(
  store: ServingLogStore,
  position: number,
  maxBytes: number,
  met: Met,
): Promise<{ position: number; level: boolean }> {
  const arrived = await store.after(position, maxBytes);
  check(
    arrived.position > position || (arrived.runs.length === 0 && arrived.position === position),
    `a reader at ${position} is sent back to ${arrived.position}`,
  );
  for (const run of arrived.runs) noteRun(run, met);
  return arrived;
}

function noteRun(run: Run & { readonly arrivedTo: number }, met: Met): void {
  const name = logName(run.log);
  const counts = met.get(name) ?? new Map<number, number>();
  met.set(name, counts);
  for (const [i, entry] of run.entries.entries()) {
    const sequence = run.first + i;
    if (sequence <= run.arrivedTo && entry.content.form === 'body')
      counts.set(sequence, (counts.get(sequence) ?? 0) + 1);
  }
}

/** Checks that a reader met every entry of these logs exactly once. */
export function checkMetOnce(met: Met, logs: readonly TestLog[]): void {
  for (const log of logs) {
    const counts = met.get(log.name);
    for (let sequence = 0; sequence < log.length(); sequence++) {
      checkEqual(counts?.get(sequence) ?? 0, 1, `how often entry ${sequence} of a log arrived`);
    }
  }
}

function shortened(text: string | undefined): string {
  return text === undefined ? 'missing' : text.slice(0, 60);
}
