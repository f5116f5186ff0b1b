import { toBase64Url } from '../log/bytes.ts';
import type { LogName } from '../log/version-vector.ts';
import type { Appended, Draft, Replica } from './replica.ts';

/** What an attempt came to: so many entries of a log from one sequence on. */
interface Attempt {
  readonly attempt: string;
  readonly log: LogName;
  readonly first: number;
  readonly count: number;
}

/**
 * So many attempts are remembered at least one of which is the last: an attempt is repeated within a minute, when the
 * worker that took it was stopped before it answered.
 */
const SLOTS = 256;

/**
 * Appends drafts once under the name of an attempt (CAP30): asked again, also after a restart, it finds what it appended
 * and answers with that. What it appended is remembered in the first entry's own transaction; where only the first of
 * several transactions was reached, the rest is appended now. Calls with one name have to come one after another.
 */
export async function appendOnce(
  replica: Pick<Replica, 'append' | 'appendIf' | 'store'>,
  attempt: string,
  drafts: readonly Draft[],
): Promise<readonly Appended[]> {
  const name = slotName(attempt);
  const recalling = recall(replica.store, name, attempt);
  const [first, ...others] = drafts;
  if (first === undefined) return [];
  const remember: Draft['values'] = (appended) => ({
    ...first.values?.(appended),
    [name]: JSON.stringify({
      attempt,
      log: appended.log,
      first: appended.sequence,
      count: drafts.length,
    } satisfies Attempt),
  });
  const draft = { ...first, values: remember };
  if (others.length === 0) {
    // The usual write: it is looked up while the append waits for its turn.
    const appended = await replica.appendIf(async () => {
      const before = await recalling;
      return before === undefined ? draft : { refuse: before };
    });
    return 'refuse' in appended ? appended.refuse : [appended];
  }
  const before = await recalling;
  if (before === undefined) return replica.append([draft, ...others]);
  const rest = drafts.slice(before.length);
  return rest.length === 0 ? before : [...before, ...(await replica.append(rest))];
}

async function recall(store: Replica['store'], name: string, attempt: string): Promise<Appended[] | undefined> {
  const text = await store.value(name);
  const remembered = text === undefined ? undefined : (JSON.parse(text) as Attempt);
  if (remembered?.attempt !== attempt) return undefined;
  const appended: Appended[] = [];
  for (let sequence = remembered.first; sequence < remembered.first + remembered.count; sequence++) {
    const id = await store.entryId(remembered.log, sequence);
    if (id === undefined) break;
    appended.push({ id: toBase64Url(id), log: remembered.log, sequence });
  }
  return appended;
}

/** A few names, used again and again, so that the memory does not grow with the log. */
function slotName(attempt: string): string {
  let hash = 0;
  for (let i = 0; i < attempt.length; i++) hash = (hash * 31 + attempt.charCodeAt(i)) | 0;
  return `attempt:${Math.abs(hash) % SLOTS}`;
}
