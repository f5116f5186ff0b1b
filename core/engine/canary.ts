import type { LogName } from '../log/version-vector.ts';
import { logKey } from '../log/version-vector.ts';

/** How far an own log was when it last left the device. */
export interface CanaryMark {
  readonly log: LogName;
  readonly sequence: number;
}

/**
 * Remembers, in another store than the log's database, how far the own log was when it last left the device: a database that
 * knows of less was rolled back (SYNC14). It may forget. What it cannot read or write means nothing: it may reject.
 */
export interface Canary {
  readonly read: () => Promise<CanaryMark | undefined>;
  readonly cover: (mark: CanaryMark) => Promise<void>;
}

export function jsonToMark(json: unknown): CanaryMark | undefined {
  if (typeof json !== 'object' || json === null) return undefined;
  const { log, sequence } = json as Partial<CanaryMark>;
  return typeof log === 'string' && logKey(log) !== undefined && Number.isSafeInteger(sequence) ? { log, sequence: sequence as number } : undefined;
}
