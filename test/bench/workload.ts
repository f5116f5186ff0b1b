import type { Json } from '../../core/log/body.ts';

/*
 * What every job writes and reads: values of exactly 200 bytes of JSON under so many keys, in rounds, so that with ten rounds
 * nine of ten writes supersede one. Worker and Node make the same ones, so each can check what the other wrote.
 */
export interface Workload {
  readonly entries: number;
  readonly keys: number;
}

export const FULL: Workload = { entries: 100_000, keys: 10_000 };

export const VALUE_BYTES = 200;

export function keyOf(workload: Workload, entry: number): string {
  return `item/${String(entry % workload.keys).padStart(6, '0')}`;
}

/** Text that does not compress well, the same at every call. */
export function valueOf(entry: number): Json {
  const value = { entry, done: entry % 3 === 0, text: '' };
  return { ...value, text: textOf(entry, VALUE_BYTES - JSON.stringify(value).length) };
}

/** The entry whose value a key shows in the end. */
export function lastEntryOf({ entries, keys }: Workload, key: number): number {
  return key + keys * (Math.ceil((entries - key) / keys) - 1);
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789';

function textOf(seed: number, length: number): string {
  let [state, text] = [(seed + 1) * 2_654_435_761, ''];
  for (let i = 0; i < length; i++) {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    text += LETTERS[(state >>> 0) % LETTERS.length] ?? '';
  }
  return text;
}

/** Throws unless a view shows exactly what the workload leaves. */
export function checkView(workload: Workload, shown: ReadonlyMap<string, Json>): void {
  const expected = Math.min(workload.keys, workload.entries);
  if (shown.size !== expected) throw new Error(`the view shows ${shown.size} keys instead of ${expected}`);
  for (let key = 0; key < expected; key++) {
    const name = keyOf(workload, key);
    const value = JSON.stringify(shown.get(name));
    if (value !== JSON.stringify(valueOf(lastEntryOf(workload, key))))
      throw new Error(`the view shows ${value} under ${name}`);
  }
}
