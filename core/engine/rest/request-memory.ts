import type { LogStore } from '../../log/log-store.ts';
import type { KeyedTurns } from '../keyed-turns.ts';
import { createKeyedTurns } from '../keyed-turns.ts';

/** What a request with an Idempotency-Key came to (CAP26). Kept beside the log for as long as the log. */
export interface Remembered {
  readonly method: string;
  readonly collection: string;
  readonly id: string;
  readonly status: number;
}

export function requestName(account: string, idempotencyKey: string): string {
  return `request:${JSON.stringify([account, idempotencyKey])}`;
}

const turnsByStore = new WeakMap<LogStore, KeyedTurns>();

/**
 * Runs requests with one Idempotency-Key one after the other, so that the second click of a double click finds what the
 * first one did. Against other contexts of the device the store decides, in the append's own turn.
 */
export function oneAtATime<T>(store: LogStore, name: string, perform: () => Promise<T>): Promise<T> {
  const turns = turnsByStore.get(store) ?? createKeyedTurns();
  turnsByStore.set(store, turns);
  return turns(name, perform);
}
