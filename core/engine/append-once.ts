import { toBase64Url } from '../log/bytes.ts';
import type { LogStore, NamedValues } from '../log/log-store.ts';
import type { LogName } from '../log/version-vector.ts';
import { MOST_ENTRIES_PER_COMMIT } from './append-queue.ts';
import type { Appended, Draft, Replica } from './replica.ts';
import { isTaken } from './taken-entry.ts';

/** What an attempt came to: so many entries of a log from one on, all of one transaction. */
interface Attempt {
  readonly log: LogName;
  readonly first: number;
  /** Of the first entry. */
  readonly id: string;
  readonly count: number;
}

const PREFIX = 'attempt:';
/**
 * Attempts are forgotten once so many entries came after theirs, now and then: a page repeats one within a minute, when the
 * worker that took it was stopped before it answered.
 */
const REMEMBERED_ENTRIES = 4_096;
const FORGET_EVERY_ENTRIES = 512;

type AppendingReplica = Pick<Replica, 'appendAllIf' | 'ownLog' | 'store'>;

/**
 * Appends drafts once under the name of an attempt (CAP30): asked again, also after a restart or by another version of the
 * worker, it finds what it appended and answers with that. An attempt is remembered in its entries' own transaction; one of
 * several transactions in each. Calls with one name have to come one after another.
 */
export async function appendOnce(
  replica: AppendingReplica,
  attempt: string,
  drafts: readonly Draft[],
): Promise<readonly Appended[]> {
  const appended: Appended[] = [];
  for (let at = 0; at < drafts.length; at += MOST_ENTRIES_PER_COMMIT) {
    const name = `${PREFIX}${attempt}${at === 0 ? '' : `:${at}`}`;
    appended.push(...(await appendPieceOnce(replica, name, drafts.slice(at, at + MOST_ENTRIES_PER_COMMIT))));
  }
  return appended;
}

async function appendPieceOnce(replica: AppendingReplica, name: string, drafts: readonly Draft[]): Promise<readonly Appended[]> {
  // Looked up while the append waits for its turn.
  const recalling = recall(replica, name);
  recalling.catch(() => undefined);
  const outcome = await replica.appendAllIf<readonly Appended[]>(drafts.length, async ({ mayBeStale }) => {
    const before = (await recalling) ?? (mayBeStale ? await recall(replica, name) : undefined);
    return before === undefined ? withMemory(name, drafts) : { refuse: before };
  });
  if ('refuse' in outcome) return outcome.refuse;
  const last = outcome.at(-1);
  if (last !== undefined && crosses(last.sequence, drafts.length)) void forget(replica.store, last).catch(() => undefined);
  return outcome;
}

/** The first draft carries the memory of all of them. */
function withMemory(name: string, [first, ...others]: readonly Draft[]): Draft[] {
  if (first === undefined) return [];
  const count = 1 + others.length;
  const values = (appended: Appended): NamedValues => ({
    ...first.values?.(appended),
    [name]: JSON.stringify({ log: appended.log, first: appended.sequence, id: appended.id, count } satisfies Attempt),
  });
  return [{ ...first, values }, ...others];
}

async function recall(replica: AppendingReplica, name: string): Promise<Appended[] | undefined> {
  const { store } = replica;
  const text = await store.value(name);
  if (text === undefined) return undefined;
  const { log, first, id, count } = JSON.parse(text) as Attempt;
  const entry: Appended = { id, log, sequence: first };
  if (!(await isTaken(replica, entry))) return undefined;
  const appended = [entry];
  for (let sequence = first + 1; sequence < first + count; sequence++) {
    const next = await store.entryId(log, sequence);
    appended.push({ id: next === undefined ? id : toBase64Url(next), log, sequence });
  }
  return appended;
}

function crosses(last: number, count: number): boolean {
  return Math.floor(last / FORGET_EVERY_ENTRIES) > Math.floor((last - count) / FORGET_EVERY_ENTRIES);
}

async function forget(store: LogStore, { log, sequence }: Appended): Promise<void> {
  const old: Record<string, undefined> = {};
  for (const [name, text] of await store.valuesUnder(PREFIX)) {
    const attempt = JSON.parse(text) as Attempt;
    // Another log was left before this one began.
    if ((attempt.log === log ? attempt.first : 0) < sequence - REMEMBERED_ENTRIES) old[name] = undefined;
  }
  if (Object.keys(old).length > 0) await store.putValues(old, 'relaxed');
}
