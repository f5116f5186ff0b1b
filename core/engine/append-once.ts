import { toBase64Url } from '../log/bytes.ts';
import type { LogStore, NamedValues } from '../log/log-store.ts';
import { MOST_ENTRIES_PER_COMMIT } from './append-queue.ts';
import { recall, remember, textToMemory } from './entry-memory.ts';
import type { Appended, Draft, Replica } from './replica.ts';

/** What an attempt came to: so many entries, all of one transaction, the first of which remembers it. */
interface Attempt {
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
  const recalling = appendedBefore(replica, name);
  recalling.catch(() => undefined);
  const outcome = await replica.appendAllIf<readonly Appended[]>(drafts.length, async ({ mayBeStale }) => {
    const before = (await recalling) ?? (mayBeStale ? await appendedBefore(replica, name) : undefined);
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
  const values = (entry: Appended): NamedValues => ({ ...first.values?.(entry), ...remember(name, { count } satisfies Attempt, entry) });
  return [{ ...first, values }, ...others];
}

async function appendedBefore(replica: AppendingReplica, name: string): Promise<Appended[] | undefined> {
  const attempt = await recall<Attempt>(replica, name);
  if (attempt === undefined) return undefined;
  const { entry, count } = attempt;
  const appended = [entry];
  for (let sequence = entry.sequence + 1; sequence < entry.sequence + count; sequence++) {
    const next = await replica.store.entryId(entry.log, sequence);
    appended.push({ ...entry, sequence, ...(next && { id: toBase64Url(next) }) });
  }
  return appended;
}

function crosses(last: number, count: number): boolean {
  return Math.floor(last / FORGET_EVERY_ENTRIES) > Math.floor((last - count) / FORGET_EVERY_ENTRIES);
}

async function forget(store: LogStore, { log, sequence }: Appended): Promise<void> {
  const old: Record<string, undefined> = {};
  for (const [name, text] of await store.valuesUnder(PREFIX)) {
    const entry = textToMemory(text)?.entry;
    // Another log was left before this one began.
    const at = entry?.log === log ? entry.sequence : 0;
    if (entry === undefined || at < sequence - REMEMBERED_ENTRIES) old[name] = undefined;
  }
  if (Object.keys(old).length > 0) await store.putValues(old, 'relaxed');
}
