import type { Body } from '../../core/log/body.ts';
import { partsToBody } from '../../core/log/body.ts';
import type { Awaitable, Bytes } from '../../core/log/bytes.ts';
import { toBase64Url } from '../../core/log/bytes.ts';
import { FLAG, KIND } from '../../core/log/header.ts';
import type { Run } from '../../core/log/run.ts';
import { logName } from '../../core/log/version-vector.ts';
import type { Statement } from '../../core/views/key-value/statements.ts';

/** A new data entry, as the app's validator sees it. A REST write is judged before it has an id ('') and a sequence (-1). */
export interface ValidatedEntry {
  readonly space: string;
  readonly account: string;
  /** Entry id, base64url. */
  readonly id: string;
  /** Base64url of the writer's public key. */
  readonly log: string;
  readonly sequence: number;
  /** The writer's wall clock, ms. Advisory. */
  readonly clock: number;
  /** Writes, reads and events. */
  readonly body: Body;
}

/** Why an entry is refused. `code` is the app's own word, `reason` a sentence for people. */
export interface Objection {
  readonly code: string;
  readonly reason: string;
}

/**
 * Judges each new data entry that can be read (not encrypted, not without meaning). An objection leaves the entry in its log
 * and out of every view, and tells its writer (SYNC8).
 */
export type Validate = (entry: ValidatedEntry) => Awaitable<Objection | undefined>;

const MAX_CODE_CHARACTERS = 64;
const MAX_REASON_CHARACTERS = 1_000;

/** The refusals that a run's new entries earn. */
export async function judgeRun(
  validate: Validate,
  place: { readonly space: string; readonly account: string; readonly isNew: (sequence: number) => boolean },
  run: Run,
  ids: readonly Bytes[],
): Promise<Statement[]> {
  const refusals: Statement[] = [];
  const log = logName(run.log);
  for (const [i, entry] of run.entries.entries()) {
    const [sequence, id] = [run.first + i, ids[i]];
    if (!place.isNew(sequence) || id === undefined || entry.kind !== KIND.data || entry.content.form !== 'body')
      continue;
    const body = (entry.flags & FLAG.encrypted) === 0 ? partsToBody(entry.content.parts, sequence) : undefined;
    if (body === undefined) continue;
    const name = toBase64Url(id);
    const { space, account } = place;
    const objection = await validate({ space, account, id: name, log, sequence, clock: entry.clock, body });
    if (objection === undefined) continue;
    const code = objection.code.slice(0, MAX_CODE_CHARACTERS);
    const reason = objection.reason.slice(0, MAX_REASON_CHARACTERS);
    refusals.push({ kind: 'refuse', log, sequence, id: name, code, reason });
  }
  return refusals;
}
