import type { Awaitable } from '../../core/log/bytes.ts';
import { StorageFull } from '../../core/log/row-store.ts';
import type { Sql } from './sql.ts';
import type { SqliteConnection } from './sqlite-connection.ts';
import { isBusy, isDiskFull, isFatalToTransaction } from './sqlite-connection.ts';

/** So many bodies share one commit at most, so that the event loop gets its turn in between. */
const MOST_BODIES_AT_ONCE = 128;
const MOST_WAIT_MS = 30_000;
const LONGEST_PAUSE_MS = 32;

export interface GroupCommit {
  /** Runs a body alone and resolves with its result once it is durable. When it throws, nothing of it is kept. */
  readonly write: <T>(body: (sql: Sql) => Awaitable<T>) => Promise<T>;
  /** Resolves when nothing waits any more. */
  readonly idle: () => Promise<void>;
}

interface Job {
  readonly body: (sql: Sql) => Awaitable<unknown>;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Bodies that wait at the same time share one transaction, each in a savepoint of its own, hence one wait for the disk.
 * All of them are answered after its commit, those that threw as well: they may have seen what others had just written.
 */
export function createGroupCommit(connection: SqliteConnection): GroupCommit {
  let waiting: Job[] = [];
  let draining: Promise<void> | undefined;

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      // Whatever this turn of the event loop still brings joins the group.
      await nextTurn();
      const group = waiting.slice(0, MOST_BODIES_AT_ONCE);
      waiting = waiting.slice(group.length);
      await commitGroup(connection, group);
    }
    draining = undefined;
  }

  return {
    write: <T>(body: (sql: Sql) => Awaitable<T>) =>
      new Promise<T>((resolve, reject) => {
        waiting.push({ body, resolve: resolve as (result: unknown) => void, reject });
        draining ??= drain();
      }),
    idle: async () => {
      await draining;
    },
  };
}

async function commitGroup(connection: SqliteConnection, group: readonly Job[]): Promise<void> {
  const failure = await tryToCommit(connection, group);
  if (failure === undefined) return;
  // The disk was full, or worse. Alone, each of them succeeds or fails for its own reason.
  for (const job of group) {
    const own = group.length === 1 ? failure : await tryToCommit(connection, [job]);
    if (own !== undefined) job.reject(isDiskFull(own.error) ? new StorageFull() : own.error);
  }
}

/** Commits a group and answers it; or answers nobody and returns why the whole transaction failed. */
async function tryToCommit(
  connection: SqliteConnection,
  group: readonly Job[],
): Promise<{ error: unknown } | undefined> {
  const answers: (() => void)[] = [];
  try {
    await beginImmediate(connection.sql);
    for (const job of group) answers.push(await runInSavepoint(connection, job));
    connection.sql.run('COMMIT');
  } catch (error) {
    rollBack(connection);
    return { error };
  }
  for (const answer of answers) answer();
  return undefined;
}

function rollBack({ sql, isInTransaction }: SqliteConnection): void {
  try {
    if (isInTransaction()) sql.run('ROLLBACK');
  } catch {
    // The file is beyond this; the error that brought us here says more.
  }
}

/** Returns how to answer the job once the transaction is committed. */
async function runInSavepoint({ sql, isInTransaction }: SqliteConnection, job: Job): Promise<() => void> {
  sql.run('SAVEPOINT body');
  try {
    const result = await job.body(sql);
    sql.run('RELEASE body');
    return () => job.resolve(result);
  } catch (error) {
    if (isFatalToTransaction(error) || !isInTransaction()) throw error;
    sql.run('ROLLBACK TO body');
    sql.run('RELEASE body');
    return () => job.reject(error);
  }
}

/** Waits, without blocking the event loop, until no other connection writes. */
async function beginImmediate(sql: Sql): Promise<void> {
  let waitedMs = 0;
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      sql.run('BEGIN IMMEDIATE');
      return;
    } catch (error) {
      if (!isBusy(error) || waitedMs >= MOST_WAIT_MS) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    waitedMs += pauseMs;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
