import { fromBase64Url, toBase64Url } from '../log/bytes.ts';
import type { LogStore } from '../log/log-store.ts';
import type { LogName, VersionVector } from '../log/version-vector.ts';
import type { Cursor, RefusedRun } from '../protocol/messages.ts';

/** Named values of the store: what a device remembers of its server. */
export const CURSOR = 'cursor';
export const ACKNOWLEDGED = 'acknowledged';
export const SYNCED_AT = 'synced-at';
export const BLOCKED = 'blocked';
export const FORKED = 'forked';
export const MOVING = 'moving';
export const LACKING = 'lacking';
export const SETBACK = 'setback';
export const COMPARED_AT = 'compared-at';

/** Why the server takes no more of a log of this device, until something changes. */
export type Blocked = Readonly<Record<LogName, RefusedRun['code']>>;

/** What a device remembers of its server, all of it in its database. */
export interface SyncMemory {
  readonly cursor: Cursor | undefined;
  /** Last sequences durable at the server with the cursor's epoch. */
  readonly acknowledged: VersionVector;
  readonly syncedAt: number | undefined;
  readonly blocked: Blocked;
  /** Logs of which the server has another branch: it counts, and has to be taken in place of what is here (SYNC12). */
  readonly forked: readonly LogName[];
  /** An own log that is being left: what it has above `from` is to be appended again in the next one. */
  readonly moving: { readonly log: LogName; readonly from: number } | undefined;
  /** Something that the server gave could not be taken, and the cursor is past it: vectors tell (SYNC3). */
  readonly lacking: boolean;
  /** What the canary told of the database at a start (SYNC14), until the first level exchange after it. */
  readonly setback: Setback | undefined;
  /** When vectors were last found level, ms by the own clock. */
  readonly comparedAt: number | undefined;
}

/** The database was found empty, or older than it once was, by a canary that knows better. */
export type Setback = 'emptied' | 'restored';

export async function readMemory(store: LogStore): Promise<SyncMemory> {
  const names = [CURSOR, ACKNOWLEDGED, SYNCED_AT, BLOCKED, FORKED, MOVING, LACKING, SETBACK, COMPARED_AT];
  const [cursor, acknowledged, syncedAt, blocked, forked, moving, lacking, setback, comparedAt] = await store.values(names);
  return {
    cursor: cursor === undefined ? undefined : textToCursor(cursor),
    acknowledged: new Map(JSON.parse(acknowledged ?? '[]') as [LogName, number][]),
    syncedAt: Number(syncedAt ?? Number.NaN) || undefined,
    blocked: JSON.parse(blocked ?? '{}') as Blocked,
    forked: JSON.parse(forked ?? '[]') as LogName[],
    moving: moving === undefined ? undefined : (JSON.parse(moving) as SyncMemory['moving']),
    lacking: lacking !== undefined,
    setback: setback as Setback | undefined,
    comparedAt: comparedAt === undefined ? undefined : Number(comparedAt),
  };
}

export function vectorToText(vector: VersionVector): string {
  return JSON.stringify([...vector]);
}

export function cursorToText({ epoch, position, check }: Cursor): string {
  return JSON.stringify([epoch, position, toBase64Url(check)]);
}

function textToCursor(text: string): Cursor | undefined {
  const [epoch, position, check] = JSON.parse(text) as [string, number, string];
  const bytes = fromBase64Url(check);
  return bytes && { epoch, position, check: bytes };
}
