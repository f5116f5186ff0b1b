import type { Json } from '../../log/body.ts';
import type { LogName } from '../../log/version-vector.ts';
import type { Creation, Version } from './item.ts';
import { compareCreation } from './item.ts';

/** Ids are named by their first 22 characters (132 bits) where only equality matters. */
export const SHORT_ID_CHARS = 22;

/** A live version as the view keeps it; `large`: its value stays in the log and is read from there. */
export interface LiveVersion extends Version {
  readonly large: boolean;
}

/** What the view keeps of a key for reading. All of it follows from the key's history. */
export interface KeyState {
  /** The one to display first; empty while every version known was refused. */
  readonly live: readonly LiveVersion[];
  /** Short ids of parents that are named and not here. */
  readonly missing: readonly string[];
  /** How many parents are named by more than one version. */
  readonly collisions: number;
  /** How many versions the history holds. */
  readonly versions: number;
  readonly created: Creation;
  /** Some version was appended again in another log, so that ids alone do not tell old from new. */
  readonly hasOrigins: boolean;
}

/** One version of a key as its history keeps it, without its value. */
export interface PastVersion {
  /** Short id. */
  readonly id: string;
  readonly log: LogName;
  readonly sequence: number;
  readonly lamport: number;
  readonly deleted: boolean;
  /** Short ids; none means a first write. */
  readonly parents: readonly string[];
  /** An authority refused it: it is history, and neither shown nor superseding. */
  readonly refused: boolean;
}

export function shortId(id: string): string {
  return id.slice(0, SHORT_ID_CHARS);
}

/** The name of a parent that its writer gave as a sequence at which it did not write this key. */
export function unknownParent(log: LogName, sequence: number): string {
  return `${log.slice(0, 12)}:${sequence}`;
}

export interface DerivedState {
  readonly live: readonly PastVersion[];
  readonly missing: readonly string[];
  readonly collisions: readonly { readonly parent: string | null; readonly children: readonly PastVersion[] }[];
  readonly created: Creation;
}

/** What a key's history says, whatever the order in which it arrived (VIEW1, VIEW3). The rule that the quick path must equal. */
export function deriveState(history: readonly PastVersion[]): DerivedState {
  const versions = uniqueVersions(history);
  const accepted = versions.filter((version) => !version.refused);
  const childrenByParent = new Map<string | null, PastVersion[]>();
  for (const version of accepted) {
    for (const parent of version.parents.length === 0 ? [null] : version.parents) {
      const children = childrenByParent.get(parent);
      if (children === undefined) childrenByParent.set(parent, [version]);
      else children.push(version);
    }
  }
  const held = new Set(versions.map(({ id }) => id));
  const collisions = [...childrenByParent].filter(([, children]) => children.length > 1);
  return {
    live: accepted.filter(({ id }) => !childrenByParent.has(id)),
    missing: [...childrenByParent.keys()].filter((parent): parent is string => parent !== null && !held.has(parent)).toSorted(),
    collisions: collisions.map(([parent, children]) => ({ parent, children })),
    created: firstCreation(accepted.filter(({ parents }) => parents.length === 0), accepted, versions),
  };
}

/** An entry that was appended again under the same origin counts once: as the earliest of its copies. */
function uniqueVersions(history: readonly PastVersion[]): PastVersion[] {
  const byId = new Map<string, PastVersion>();
  for (const version of history) {
    const other = byId.get(version.id);
    if (other === undefined || compareCreation(version, other) < 0) byId.set(version.id, version);
  }
  return [...byId.values()];
}

function firstCreation(...choices: readonly (readonly PastVersion[])[]): Creation {
  const candidates = choices.find((choice) => choice.length > 0) ?? [];
  const first = candidates.reduce((a, b) => (compareCreation(b, a) < 0 ? b : a));
  return { lamport: first.lamport, log: first.log, sequence: first.sequence };
}

/** The JSON that a state is stored as: arrays, and logs by their small numbers. */
export function keyStateToJson(state: KeyState, logIndex: (log: LogName) => number): Json {
  const live = state.live.map((version): Json => {
    const place = [version.id, logIndex(version.log), version.sequence, version.lamport];
    if (version.deleted) return [...place, 1];
    return version.large ? [...place, 2] : [...place, 0, version.value];
  });
  const { lamport, log, sequence } = state.created;
  const created = [lamport, logIndex(log), sequence];
  return [live, state.versions, created, state.collisions, state.missing, state.hasOrigins ? 1 : 0];
}

type StoredLive = readonly [string, number, number, number, number, Json?];
type StoredState = readonly [readonly StoredLive[], number, readonly [number, number, number], number, readonly string[], number];

export function jsonToKeyState(json: Json, logAt: (index: number) => LogName): KeyState {
  const [live, versions, [lamport, logNumber, sequence], collisions, missing, hasOrigins] = json as unknown as StoredState;
  return {
    live: live.map(([id, log, at, counter, form, value = null]) => ({
      id,
      log: logAt(log),
      sequence: at,
      lamport: counter,
      deleted: form === 1,
      large: form === 2,
      value,
    })),
    versions,
    created: { lamport, log: logAt(logNumber), sequence },
    collisions,
    missing,
    hasOrigins: hasOrigins === 1,
  };
}

export function pastVersionToJson(version: PastVersion, logIndex: (log: LogName) => number): Json {
  const form = (version.deleted ? 1 : 0) + (version.refused ? 2 : 0);
  return [version.id, logIndex(version.log), version.sequence, version.lamport, form, version.parents];
}

export function jsonToPastVersion(json: Json, logAt: (index: number) => LogName): PastVersion {
  const [id, log, sequence, lamport, form, parents] = json as unknown as readonly [string, number, number, number, number, readonly string[]];
  return { id, log: logAt(log), sequence, lamport, deleted: (form & 1) !== 0, refused: (form & 2) !== 0, parents };
}
