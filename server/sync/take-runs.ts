import { createByteReader, MalformedBytes } from '../../core/log/byte-reader.ts';
import type { Bytes } from '../../core/log/bytes.ts';
import { StorageFull } from '../../core/log/row-store.ts';
import type { Run } from '../../core/log/run.ts';
import { lastSequence } from '../../core/log/run.ts';
import { decodeRun } from '../../core/log/run-codec.ts';
import type { LogName, LogRange } from '../../core/log/version-vector.ts';
import { logName } from '../../core/log/version-vector.ts';
import { WakelogError } from '../../core/protocol/errors.ts';
import type { RefusedRun } from '../../core/protocol/messages.ts';
import type { OpenSpace } from '../spaces/open-space.ts';
import type { Admission, Gate, GateContext } from './gate.ts';
import { createGate } from './gate.ts';

/** What became of a request's runs. */
export interface Taken {
  /** At most one for each log, its first (SYNC6). */
  readonly refused: readonly RefusedRun[];
  /** The logs of the request's runs. */
  readonly logs: ReadonlySet<LogName>;
  /** What the request carried and the server holds now: not sent back (SYNC1). */
  readonly carried: readonly LogRange[];
  /** Entries that the server did not hold before. */
  readonly newEntries: number;
}

/** A run of the request: decoded, or the reason why not. */
interface Offered {
  readonly log: LogName;
  readonly first: number;
  readonly bytes: Bytes;
  readonly run: Run | 'malformed' | 'unsupported-format' | 'too-large';
}

/** Taken in one transaction, with a turn of the event loop between two: signatures of a full frame take seconds. */
const RUNS_AT_ONCE = 128;

/** Called as soon as runs are held, before anybody else can be given them. */
export type NoteCarried = (ranges: readonly LogRange[]) => void;

/** Decides about runs and takes them durably, statements of the authority before what they speak of (SYNC6, SYNC8, SYNC11). */
export async function takeRuns(
  space: OpenSpace,
  runs: readonly Bytes[],
  context: GateContext,
  noteCarried: NoteCarried,
): Promise<Taken> {
  const offered = runs.map(readOffered);
  const refused = new Map<LogName, RefusedRun>();
  const carried: LogRange[] = [];
  let newEntries = 0;
  const gate = createGate(space, context);
  for (let at = 0; at < offered.length; at += RUNS_AT_ONCE) {
    const some = offered.slice(at, at + RUNS_AT_ONCE);
    const outcome = await space.exclusive(async () => {
      const taken = await takeSome(space, gate, some, refused);
      if (taken.carried.length > 0) noteCarried(taken.carried);
      return taken;
    });
    carried.push(...outcome.carried);
    newEntries += outcome.newEntries;
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  return { refused: [...refused.values()], logs: new Set(offered.map(({ log }) => log)), carried, newEntries };
}

async function takeSome(
  space: OpenSpace,
  gate: Gate,
  offered: readonly Offered[],
  refused: Map<LogName, RefusedRun>,
): Promise<Pick<Taken, 'carried' | 'newEntries'>> {
  const refuse = ({ log, first }: Offered, why: Omit<RefusedRun, 'log' | 'first'>): void => {
    if (!refused.has(log)) refused.set(log, { log, first, ...why });
  };
  const admitted: { readonly one: Offered; readonly run: Run; readonly admission: Admission }[] = [];
  for (const one of offered) {
    if (refused.has(one.log)) continue;
    if (typeof one.run === 'string') {
      refuse(one, { code: one.run });
      continue;
    }
    const admission = await gate.admit(one.log, one.run, one.bytes);
    if ('code' in admission) refuse(one, admission);
    else admitted.push({ one, run: one.run, admission });
  }
  try {
    const statements = admitted.flatMap(({ admission }) => admission.statements);
    // Before the runs: a crash between the two leaves a statement about nothing, never an entry that escaped its verdict.
    if (statements.length > 0) {
      await space.prepareOwnLog();
      await space.replica.state(statements);
    }
    return await merge(space, gate, admitted, refuse);
  } catch (error) {
    if (!(error instanceof StorageFull) && !(error instanceof WakelogError && error.code === 'storage-full'))
      throw error;
    for (const { one } of admitted) refuse(one, { code: 'storage-full' });
    return { carried: [], newEntries: 0 };
  }
}

async function merge(
  space: OpenSpace,
  gate: Gate,
  admitted: readonly { readonly one: Offered; readonly run: Run }[],
  refuse: (one: Offered, why: Omit<RefusedRun, 'log' | 'first'>) => void,
): Promise<Pick<Taken, 'carried' | 'newEntries'>> {
  const carried: LogRange[] = [];
  let newEntries = 0;
  if (admitted.length === 0) return { carried, newEntries };
  const verdicts = await space.replica.merge(admitted.map(({ one }) => one.bytes));
  for (const [i, { one, run }] of admitted.entries()) {
    const verdict = verdicts[i];
    if (verdict === undefined) throw new Error('one verdict for each run');
    if (verdict.kind === 'accepted' || verdict.kind === 'duplicate') {
      carried.push({ log: one.log, first: run.first, last: lastSequence(run) });
      if (verdict.kind === 'accepted') newEntries += lastSequence(run) - verdict.first + 1;
    } else if (verdict.kind === 'invalid') {
      refuse(one, { code: verdict.fault });
    } else {
      refuse(one, verdict.kind === 'gap' ? { code: 'gap', expected: verdict.expected } : { code: verdict.kind });
      if (verdict.kind === 'fork') await gate.noteFork(one.log);
    }
  }
  return { carried, newEntries };
}

/** Throws `malformed` for bytes too short to name a log: nothing could be answered about them. */
function readOffered(bytes: Bytes): Offered {
  const run = decodeRun(bytes);
  if (typeof run !== 'string') return { log: logName(run.log), first: run.first, bytes, run };
  try {
    const reader = createByteReader(bytes);
    reader.u8();
    const log = logName(reader.bytes(32));
    return { log, first: reader.varint(), bytes, run };
  } catch (error) {
    if (error instanceof MalformedBytes) throw new WakelogError('malformed', 'a run names no log');
    throw error;
  }
}
