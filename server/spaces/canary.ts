import type { LogName } from '../../core/log/version-vector.ts';
import type { Log } from '../log.ts';
import type { Files } from './files.ts';

/** How far the server once was in a space, written outside the database: an older database is a restored backup (SYNC4). */
export interface Mark {
  readonly epoch: string;
  readonly position: number;
  /** The server's own log and its last sequence; undefined before its first entry. */
  readonly own: { readonly log: LogName; readonly sequence: number } | undefined;
}

export interface Canary {
  /**
   * Resolves when the file covers the own head of `mark`, because an own entry must not leave the server before: a
   * restored server that does not know of it would sign another one in its place. A position may lag by a second.
   */
  readonly cover: (mark: Mark) => Promise<void>;
  /** Writes what lags. */
  readonly close: () => Promise<void>;
}

const POSITION_LAG_MS = 1_000;

/** The mark in a canary file; undefined when there is none. A file that is no mark stops the server: something is very wrong. */
export async function readMark(path: string, files: Files): Promise<Mark | undefined> {
  const text = await files.readIfAny(path);
  if (text === undefined) return undefined;
  const { epoch, position, own } = JSON.parse(text) as Partial<Mark>;
  if (typeof epoch !== 'string' || typeof position !== 'number') throw new Error(`${path} is not a canary file`);
  return { epoch, position, own: own ?? undefined };
}

/** Keeps a canary file behind the database by at most a second, and never behind an own entry that left the server. */
export function createCanary(path: string, files: Files, log: Log): Canary {
  let wanted: Mark | undefined;
  let written: Mark | undefined;
  let writing: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  function write(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    writing = writing.then(async () => {
      const mark = wanted;
      if (mark === undefined || isCovered(mark, written)) return;
      await files.writeAtomically(path, JSON.stringify(mark));
      written = mark;
    });
    const attempt = writing;
    // A failed write is its caller's failure; the next one starts afresh.
    writing = writing.catch(() => undefined);
    return attempt;
  }

  async function cover(mark: Mark): Promise<void> {
    if (wanted === undefined || mark.position >= wanted.position || !isOwnCovered(mark, wanted)) wanted = mark;
    if (!isOwnCovered(mark, written)) return write();
    if (timer !== undefined || isCovered(mark, written)) return;
    timer = setTimeout(() => {
      write().catch((error: unknown) => log.error({ err: error, path }, 'the canary file cannot be written'));
    }, POSITION_LAG_MS);
    timer.unref();
  }

  return {
    cover,
    async close() {
      clearTimeout(timer);
      await write();
    },
  };
}

function isOwnCovered({ epoch, own }: Mark, by: Mark | undefined): boolean {
  if (by?.epoch !== epoch) return false;
  return own === undefined || (by.own?.log === own.log && by.own.sequence >= own.sequence);
}

function isCovered(mark: Mark, by: Mark | undefined): boolean {
  return by !== undefined && isOwnCovered(mark, by) && by.position >= mark.position;
}
