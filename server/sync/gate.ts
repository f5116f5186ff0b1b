import type { Bytes } from '../../core/log/bytes.ts';
import type { Crypto } from '../../core/log/crypto.ts';
import type { Run, VerifiedRun } from '../../core/log/run.ts';
import { lastSequence } from '../../core/log/run.ts';
import { verifyRun } from '../../core/log/run-verify.ts';
import type { LogName } from '../../core/log/version-vector.ts';
import { MAX_VECTOR_LOGS } from '../../core/protocol/limits.ts';
import type { RefusedRun } from '../../core/protocol/messages.ts';
import type { Statement } from '../../core/views/key-value/statements.ts';
import type { OpenSpace } from '../spaces/open-space.ts';
import { stateForks } from '../spaces/state-forks.ts';
import { openingAccount } from './opening.ts';
import type { MayWrite, Session } from './session.ts';
import type { Validate } from './validator.ts';
import { judgeRun } from './validator.ts';

export interface GateContext {
  readonly session: Session;
  readonly crypto: Crypto;
  readonly mayWrite: MayWrite;
  readonly validate: Validate | undefined;
}

/** A run may be taken once these are said in the server's own log. */
export interface Admission {
  readonly statements: readonly Statement[];
}

type Refusal = Omit<RefusedRun, 'log' | 'first'>;

/** Who may write what in a space; one for each request. */
export interface Gate {
  readonly admit: (log: LogName, run: Run, bytes: Bytes) => Promise<Admission | Refusal>;
  /** A run contradicts what is held: all are told. When it is of the own log, two of us wrote it, and it is never extended again. */
  readonly noteFork: (log: LogName) => Promise<void>;
}

export function createGate(space: OpenSpace, { session, crypto, mayWrite, validate }: GateContext): Gate {
  const { replica, store } = space;
  /** Accounts of logs that this request enrols, and how far it takes each log. */
  const enrolled = new Map<LogName, string>();
  const reached = new Map<LogName, number>();
  const permitted = new Map<string, boolean>();
  /** Counted once: a request may enrol thousands of logs where there are thousands. */
  const logsBefore = memo(async () => (await store.heads()).length);

  async function admit(log: LogName, run: Run, bytes: Bytes): Promise<Admission | Refusal> {
    const verify = memo(() => verifyRun(crypto, space.hash, bytes));
    if (space.authorities().includes(log)) return admitAuthority(log, run, verify);
    const known = enrolled.get(log) ?? (await replica.view.account(log));
    const entrance = known === undefined ? await enrol(log, run, verify) : { account: known, statements: [] };
    if ('code' in entrance) return entrance;
    const { account, statements } = entrance;
    if (!(await isPermitted(account))) return { code: 'forbidden' };
    const from = Math.max(reached.get(log) ?? -1, (await store.head(log))?.sequence ?? -1) + 1;
    // What will not fit is neither judged nor spoken of.
    if (run.first > from) return { code: 'gap', expected: from };
    const refusals = await judge(account, log, from, run, verify);
    if (typeof refusals === 'string') return { code: refusals };
    enrolled.set(log, account);
    reached.set(log, Math.max(from - 1, lastSequence(run)));
    return { statements: [...statements, ...refusals] };
  }

  /** A log that nobody knows: its first entry must be here, and name the account whose session this is (SYNC11). */
  async function enrol(
    log: LogName,
    run: Run,
    verify: () => Promise<VerifiedRun | string>,
  ): Promise<{ readonly account: string; readonly statements: readonly Statement[] } | Refusal> {
    const held = run.first === 0 ? undefined : (await store.range(log, 0, 0, 0))[0];
    if (run.first > 0 && held?.first !== 0) return { code: 'gap', expected: 0 };
    const account = openingAccount((held ?? run).entries[0]);
    if (account === undefined) return { code: 'unenrolled' };
    if (session.account !== undefined && account !== session.account) return { code: 'unenrolled' };
    if ((await logsBefore()) + enrolled.size >= MAX_VECTOR_LOGS) return { code: 'storage-full' };
    const verified = await verify();
    if (typeof verified === 'string') return { code: verified as Refusal['code'] };
    return { account, statements: [{ kind: 'enrol', log, account }] };
  }

  /** Write permission is the log's account's, never the carrier's (SYNC12). */
  async function isPermitted(account: string): Promise<boolean> {
    const known = permitted.get(account);
    if (known !== undefined) return known;
    const own = session.account === undefined || session.account === account;
    const allowed = own ? await session.write(space.name) : await mayWrite(account, space.name);
    permitted.set(account, allowed);
    return allowed;
  }

  async function judge(
    account: string,
    log: LogName,
    from: number,
    run: Run,
    verify: () => Promise<VerifiedRun | string>,
  ): Promise<Statement[] | Refusal['code']> {
    if (validate === undefined) return [];
    const lacking = await withoutBody(log, run.first, Math.min(from - 1, lastSequence(run)));
    if (lastSequence(run) < from && lacking.size === 0) return [];
    const verified = await verify();
    if (typeof verified === 'string') return verified as Refusal['code'];
    const isNew = (sequence: number): boolean => sequence >= from || lacking.has(sequence);
    return judgeRun(validate, { space: space.name, account, isNew }, run, verified.ids);
  }

  /** Entries that are held and were never judged: their bodies were withheld, and may come now. */
  async function withoutBody(log: LogName, first: number, last: number): Promise<ReadonlySet<number>> {
    const lacking = new Set<number>();
    if (last < first) return lacking;
    for (const run of await store.range(log, first, last, Number.MAX_SAFE_INTEGER)) {
      for (const [i, { content }] of run.entries.entries()) {
        if (content.form === 'withheld' && run.first + i <= last) lacking.add(run.first + i);
      }
    }
    return lacking;
  }

  /** A peer brings back what a server's own log said; more of it than the server holds proves that the server was restored. */
  async function admitAuthority(
    log: LogName,
    run: Run,
    verify: () => Promise<VerifiedRun | string>,
  ): Promise<Admission | Refusal> {
    const head = log === replica.ownLog() ? await store.head(log) : undefined;
    if (log !== replica.ownLog() || lastSequence(run) <= (head?.sequence ?? -1)) return { statements: [] };
    const verified = await verify();
    if (typeof verified === 'string') return { code: verified as Refusal['code'] };
    await space.startAnew('a device holds entries of the own log that this store lacks', 'proven');
    return { statements: [] };
  }

  return {
    admit,
    async noteFork(log) {
      if (log === replica.ownLog()) await space.startAnew('the own log has two histories', 'proven');
      else await stateForks(space, log);
    },
  };
}

function memo<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
