import { parseJson } from '../../log/body.ts';
import { utf8 } from '../../log/bytes.ts';
import type { LogStore, NamedValues } from '../../log/log-store.ts';
import type { Replica } from '../replica.ts';
import type { RestResponse } from './rest-message.ts';

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

export function rememberRequest(name: string, remembered: Remembered): NamedValues {
  return { [name]: JSON.stringify(remembered) };
}

export async function recallRequest(store: LogStore, name: string): Promise<Remembered | undefined> {
  const text = await store.value(name);
  return text === undefined ? undefined : (parseJson(utf8(text)) as Remembered | undefined);
}

const turnsByReplica = new WeakMap<Replica, Map<string, Promise<unknown>>>();

/**
 * Runs requests with one Idempotency-Key one after the other, so that the second click of a double click finds what the
 * first one did. Against other contexts of the device the store decides, in the append's own turn.
 */
export async function oneAtATime(
  replica: Replica,
  name: string,
  perform: () => Promise<RestResponse>,
): Promise<RestResponse> {
  const turns = turnsByReplica.get(replica) ?? new Map<string, Promise<unknown>>();
  turnsByReplica.set(replica, turns);
  const turn = (turns.get(name) ?? Promise.resolve()).then(perform);
  const ended = turn.catch(() => undefined);
  turns.set(name, ended);
  try {
    return await turn;
  } finally {
    if (turns.get(name) === ended) turns.delete(name);
  }
}
