import type { Bytes } from './bytes.ts';
import { fromBase64Url, toBase64Url } from './bytes.ts';

/** A log's public key as base64url: how logs are named in maps, databases and messages. */
export type LogName = string;

/** Log → last sequence held. A log that is missing holds nothing (S1.4: equal vectors mean nothing to send). */
export type VersionVector = ReadonlyMap<LogName, number>;

export function logName(publicKey: Bytes): LogName {
  return toBase64Url(publicKey);
}

/** The public key that a name stands for, or undefined when it is no name. */
export function logKey(name: LogName): Bytes | undefined {
  const key = fromBase64Url(name);
  return key?.length === 32 ? key : undefined;
}

/** An inclusive range of one log (S1.3). */
export interface LogRange {
  readonly log: LogName;
  readonly first: number;
  readonly last: number;
}

/** What `theirs` lacks of `mine`, in no particular order of logs. */
export function missingRanges(mine: VersionVector, theirs: VersionVector): LogRange[] {
  const ranges: LogRange[] = [];
  for (const [log, last] of mine) {
    const first = (theirs.get(log) ?? -1) + 1;
    if (first <= last) ranges.push({ log, first, last });
  }
  return ranges;
}
