import type { Json } from '../../log/body.ts';
import type { Awaitable } from '../../log/bytes.ts';
import type { LogName } from '../../log/version-vector.ts';
import type { ShardedTable } from '../sharded-table.ts';
import type { ViewContext } from '../view.ts';
import type { RefusedEntry } from './item.ts';
import type { KeyState, PastVersion } from './key-state.ts';
import { jsonToKeyState, jsonToPastVersion, keyStateToJson, pastVersionToJson } from './key-state.ts';

/** A key's history is stored in pieces of so many versions, so that writing a busy key stays cheap. */
const HISTORY_PIECE_VERSIONS = 256;

/** What the base view keeps: six tables of one view, written together. */
export interface KeyRows {
  readonly states: Pick<ShardedTable<KeyState>, 'get' | 'withPrefix'>;
  readonly setState: (key: string, state: KeyState) => void;
  /** Keys with more than one live version. */
  readonly conflicted: ReadonlySet<string>;
  readonly history: (key: string, versions: number) => Promise<PastVersion[]>;
  /** To be awaited before a version is added to a key that has so many. A promise only when its shard has to be loaded. */
  readonly loadHistoryEnd: (key: string, versions: number) => Awaitable<void>;
  readonly addToHistory: (key: string, versions: number, past: PastVersion) => void;
  /** Of a key whose history was read. */
  readonly replaceHistory: (key: string, history: readonly PastVersion[]) => void;
  /** Entries that an authority refused, by id. */
  readonly refused: ReadonlyMap<string, RefusedEntry>;
  readonly addRefused: (row: RefusedEntry) => void;
  /** The accounts that logs were enrolled for. */
  readonly accounts: ShardedTable<string>;
  /** Logs of which an authority said that they have two histories. */
  readonly forks: ReadonlyMap<LogName, VerdictPlace>;
  readonly addFork: (log: LogName, place: VerdictPlace) => void;
}

/** Where a verdict stands. */
export interface VerdictPlace {
  readonly log: LogName;
  readonly sequence: number;
}

export async function openKeyRows({ table, logIndex, logAt }: ViewContext): Promise<KeyRows> {
  const states = table<KeyState>('k', {
    toText: (state) => JSON.stringify(keyStateToJson(state, logIndex)),
    fromJson: (json) => jsonToKeyState(json, logAt),
  });
  // Read by few, written with every entry: kept as the text that is stored, versions parted by commas.
  const histories = table<string>('h', {
    toText: (versions) => `[${versions}]`,
    fromJson: (json) => JSON.stringify(json).slice(1, -1),
  });
  const refusals = table<RefusedEntry>('r', { toText: (row) => JSON.stringify(row), fromJson: (json) => json as unknown as RefusedEntry });
  const accounts = table<string>('a', { toText: (row) => JSON.stringify(row), fromJson: (json) => json as string });
  const verdicts = table<VerdictPlace>('f', { toText: (row) => JSON.stringify(row), fromJson: (json) => json as unknown as VerdictPlace });
  const marks = table<boolean>('c', { toText: (row) => JSON.stringify(row), fromJson: (json) => json === true });
  // Few, and asked for often: all in memory.
  const refused = new Map(await refusals.withPrefix(''));
  const forks = new Map(await verdicts.withPrefix(''));
  const conflicted = new Set((await marks.withPrefix('')).flatMap(([key, marked]) => (marked ? [key] : [])));

  function setState(key: string, state: KeyState): void {
    states.set(key, state);
    const isConflict = state.live.length > 1;
    if (isConflict === conflicted.has(key)) return;
    if (isConflict) conflicted.add(key);
    else conflicted.delete(key);
    marks.set(key, isConflict);
  }

  function loadHistoryEnd(key: string, versions: number): Awaitable<void> {
    const piece = histories.get(pieceKey(key, versions));
    if (piece instanceof Promise) return piece.then(() => undefined);
  }

  function addToHistory(key: string, versions: number, past: PastVersion): void {
    const rowKey = pieceKey(key, versions);
    const piece = histories.get(rowKey);
    if (piece instanceof Promise) throw new Error('a history is loaded before it is added to');
    const text = toText(past);
    histories.set(rowKey, piece === undefined ? text : `${piece},${text}`);
  }

  function toText(past: PastVersion): string {
    return JSON.stringify(pastVersionToJson(past, logIndex));
  }

  async function history(key: string, versions: number): Promise<PastVersion[]> {
    const all: PastVersion[] = [];
    for (let at = 0; at < versions; at += HISTORY_PIECE_VERSIONS) {
      const piece = JSON.parse(`[${(await histories.get(pieceKey(key, at))) ?? ''}]`) as Json[];
      for (const json of piece) all.push(jsonToPastVersion(json, logAt));
    }
    return all;
  }

  function replaceHistory(key: string, versions: readonly PastVersion[]): void {
    for (let at = 0; at < versions.length; at += HISTORY_PIECE_VERSIONS) {
      histories.set(pieceKey(key, at), versions.slice(at, at + HISTORY_PIECE_VERSIONS).map(toText).join(','));
    }
  }

  function addRefused(row: RefusedEntry): void {
    refused.set(row.id, row);
    refusals.set(row.id, row);
  }

  /** Any of several verdicts will do; the same one everywhere (VIEW3). */
  function addFork(log: LogName, place: VerdictPlace): void {
    const before = forks.get(log);
    if (before !== undefined && (before.log < place.log || (before.log === place.log && before.sequence < place.sequence))) return;
    forks.set(log, place);
    verdicts.set(log, place);
  }

  return { states, setState, conflicted, history, loadHistoryEnd, addToHistory, replaceHistory, refused, addRefused, accounts, forks, addFork };
}

function pieceKey(key: string, version: number): string {
  return `${Math.floor(version / HISTORY_PIECE_VERSIONS).toString(36)}:${key}`;
}

