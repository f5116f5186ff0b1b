import type { LogStore, NamedValues } from '../../log/log-store.ts';
import type { KeyedTurns } from '../keyed-turns.ts';
import { createKeyedTurns } from '../keyed-turns.ts';
import type { Appended, Replica } from '../replica.ts';
import { isTaken } from '../taken-entry.ts';

/** What a request with an Idempotency-Key came to (CAP26). Kept beside the log for as long as the log. */
export interface Remembered {
  readonly method: string;
  readonly collection: string;
  readonly id: string;
  readonly status: number;
}

/** With what it came to at the log. */
type Stored = Remembered & { readonly entry: Appended };

export function requestName(account: string, idempotencyKey: string): string {
  return `request:${JSON.stringify([account, idempotencyKey])}`;
}

export function rememberRequest(name: string, remembered: Remembered, entry: Appended): NamedValues {
  return { [name]: JSON.stringify({ ...remembered, entry } satisfies Stored) };
}

export async function recallRequest(replica: Replica, name: string): Promise<Remembered | undefined> {
  const text = await replica.store.value(name);
  const stored = text === undefined ? undefined : (JSON.parse(text) as Stored);
  return stored !== undefined && (await isTaken(replica, stored.entry)) ? stored : undefined;
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
