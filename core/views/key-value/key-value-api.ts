import type { Json } from '../../log/body.ts';
import type { Awaitable } from '../../log/bytes.ts';
import type { LogName } from '../../log/version-vector.ts';
import type { Collision, Item, RefusedEntry, Version } from './item.ts';
import type { KeyRows, VerdictPlace } from './key-rows.ts';
import type { KeyState, LiveVersion } from './key-state.ts';
import { deriveState } from './key-state.ts';

/** Enough to name a version as a parent, and to count on from it. */
export type VersionName = Pick<Version, 'id' | 'log' | 'sequence' | 'lamport'>;

export interface KeyValueApi {
  readonly item: (key: string) => Awaitable<Item | undefined>;
  /** The live versions of a key without their values, the displayed one first; [] for a key that never was. */
  readonly live: (key: string) => Awaitable<readonly VersionName[]>;
  /** Items whose key starts with `prefix`, deleted ones too, in the order of their keys' bytes. */
  readonly items: (prefix: string) => Promise<readonly Item[]>;
  /** Keys with more than one live version. */
  readonly conflicted: () => readonly string[];
  readonly collisions: () => Promise<readonly Collision[]>;
  readonly refused: () => readonly RefusedEntry[];
  readonly refusal: (id: string) => RefusedEntry | undefined;
  /** The account that a log was enrolled for, or undefined. */
  readonly account: (log: LogName) => Awaitable<string | undefined>;
  /** Logs of which an authority said that they are forked, and where; the proof is to be checked (LOG15). */
  readonly forks: () => ReadonlyMap<LogName, VerdictPlace>;
  /** The whole state as one text, the same on every replica with the same entries and authorities (VIEW3). */
  readonly canonicalState: () => Promise<string>;
}

/** @param readValue the value of a live version that is too large for its row */
export function createKeyValueApi(rows: KeyRows, readValue: (key: string, version: LiveVersion) => Promise<Json>): KeyValueApi {
  const { states } = rows;

  function item(key: string): Awaitable<Item | undefined> {
    const state = states.get(key);
    return state instanceof Promise ? state.then((loaded) => toItem(key, loaded)) : toItem(key, state);
  }

  function toItem(key: string, state: KeyState | undefined): Awaitable<Item | undefined> {
    const [first, ...others] = state?.live ?? [];
    if (state === undefined || first === undefined) return undefined;
    const { missing, created } = state;
    const withValues = (live: readonly [Version, ...Version[]]): Item => ({
      key,
      live,
      conflict: live.length > 1,
      incomplete: missing.length > 0,
      created,
    });
    if (!state.live.some(({ large }) => large)) return withValues([toVersion(first), ...others.map(toVersion)]);
    return Promise.all(state.live.map((version) => readLarge(key, version))).then(([head, ...tail]) =>
      head === undefined ? undefined : withValues([head, ...tail]),
    );
  }

  async function readLarge(key: string, version: LiveVersion): Promise<Version> {
    return version.large ? { ...toVersion(version), value: await readValue(key, version) } : toVersion(version);
  }

  async function itemsOf(found: readonly (readonly [string, KeyState])[]): Promise<Item[]> {
    const items: Item[] = [];
    for (const [key, state] of found) {
      const made = toItem(key, state);
      const one = made instanceof Promise ? await made : made;
      if (one !== undefined) items.push(one);
    }
    return items;
  }

  async function collisions(): Promise<Collision[]> {
    const found: Collision[] = [];
    for (const [key, state] of await states.withPrefix('')) {
      if (state.collisions === 0) continue;
      for (const { parent, children } of deriveState(await rows.history(key, state.versions)).collisions) {
        found.push({ key, parent, entries: children.map(({ log, sequence }) => ({ log, sequence })) });
      }
    }
    return found;
  }

  async function canonicalState(): Promise<string> {
    const lines: Json[] = [];
    for (const [key, state] of await states.withPrefix('')) {
      const { live, missing, created } = state;
      const derived = deriveState(await rows.history(key, state.versions));
      const named = derived.collisions.map(({ parent, children }) => [parent, children.map(({ id }) => id).toSorted()] as const);
      const values = await Promise.all(live.map((version) => readLarge(key, version)));
      lines.push([
        key,
        values.map(({ id, log, sequence, lamport, deleted, value }) => [id, log, sequence, lamport, deleted, value]),
        missing,
        [created.lamport, created.log, created.sequence],
        named.toSorted(([a], [b]) => ((a ?? '') < (b ?? '') ? -1 : 1)),
      ]);
    }
    const refusedIds = [...rows.refused.keys()].toSorted();
    const accounts = (await rows.accounts.withPrefix('')).map(([log, account]): Json => [log, account]);
    return JSON.stringify([lines, refusedIds, accounts, [...rows.forks.keys()].toSorted()]);
  }

  function live(key: string): Awaitable<readonly VersionName[]> {
    const state = states.get(key);
    return state instanceof Promise ? state.then((loaded) => loaded?.live ?? []) : (state?.live ?? []);
  }

  return {
    item,
    live,
    items: async (prefix) => itemsOf(await states.withPrefix(prefix)),
    conflicted: () => [...rows.conflicted],
    collisions,
    refused: () => [...rows.refused.values()],
    refusal: (id) => rows.refused.get(id),
    account: (log) => rows.accounts.get(log),
    forks: () => rows.forks,
    canonicalState,
  };
}

function toVersion({ id, log, sequence, lamport, deleted, value }: LiveVersion): Version {
  return { id, log, sequence, lamport, deleted, value };
}
