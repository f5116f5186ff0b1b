import type { Body, Json, Parent, Write } from '../../log/body.ts';
import { partsToBody, writeParents } from '../../log/body.ts';
import type { Awaitable } from '../../log/bytes.ts';
import { compareBytes, toBase64Url, utf8 } from '../../log/bytes.ts';
import { FLAG, isKnownToThisVersion, KIND } from '../../log/header.ts';
import type { RunEntry } from '../../log/run.ts';
import type { FoldEntry, View, ViewContext } from '../view.ts';
import type { KeyValueApi, RefusedEntry } from './key-value-api.ts';
import { createKeyValueApi } from './key-value-api.ts';
import type { KeyState, LiveVersion, PastVersion } from './key-state.ts';
import { deriveState, jsonToKeyState, jsonToPastVersion, keyStateToJson, pastVersionToJson, shortId, unknownParent } from './key-state.ts';
import type { Statement } from './statements.ts';
import { readStatement } from './statements.ts';

/** A value of a longer entry stays in the log; the row only says where. */
const MAX_INLINE_BODY_BYTES = 4_096;
/** A key's history is stored in pieces of so many versions, so that writing a busy key stays cheap. */
const HISTORY_PIECE_VERSIONS = 256;

/** A write with its place, on its way into a key's state. */
interface Incoming {
  readonly version: LiveVersion;
  readonly parents: readonly Parent[];
  readonly isCopy: boolean;
}

/**
 * The base view: every key's live versions, one of them to display; collisions and conflicts kept (VIEW1, VIEW4). The
 * usual write supersedes what is live and is folded by a quick path; everything else derives the key's state from its whole
 * history. Both give the same state (VIEW5).
 */
export const keyValueView: View<KeyValueApi> = {
  name: 'key-value',
  version: 1,
  open: async (context) => openKeyValueView(context),
};

async function openKeyValueView(context: ViewContext): Promise<{ fold: (entry: FoldEntry, changed: Set<string>) => Awaitable<void>; api: KeyValueApi }> {
  const { logIndex, logAt } = context;
  const states = context.table<KeyState>('k', {
    toJson: (state) => keyStateToJson(state, logIndex),
    fromJson: (json) => jsonToKeyState(json, logAt),
  });
  const histories = context.table<PastVersion[]>('h', {
    toJson: (versions) => versions.map((version) => pastVersionToJson(version, logIndex)),
    fromJson: (json) => (json as readonly Json[]).map((version) => jsonToPastVersion(version, logAt)),
  });
  const plainCodec = { toJson: (row: RefusedEntry): Json => ({ ...row }), fromJson: (json: Json) => json as unknown as RefusedEntry };
  const refusals = context.table<RefusedEntry>('r', plainCodec);
  const accounts = context.table<string>('a', { toJson: (row) => row, fromJson: (json) => json as string });
  const conflictMarks = context.table<boolean>('c', { toJson: (row) => row, fromJson: (json) => json === true });
  // Few, and asked for often: all in memory.
  const refused = new Map((await refusals.withPrefix('')).map(([id, row]) => [id, row]));
  const conflicted = new Set((await conflictMarks.withPrefix('')).flatMap(([key, marked]) => (marked ? [key] : [])));

  function setState(key: string, state: KeyState): void {
    states.set(key, state);
    const isConflict = state.live.length > 1;
    if (isConflict === conflicted.has(key)) return;
    if (isConflict) conflicted.add(key);
    else conflicted.delete(key);
    // All marks were loaded above.
    conflictMarks.set(key, isConflict);
  }

  function fold(folding: FoldEntry, changed: Set<string>): Awaitable<void> {
    const { entry, log } = folding;
    if (entry.kind >= KIND.enrol) {
      const statement = context.isAuthority(log) ? readStatement(entry) : undefined;
      return statement === undefined ? undefined : foldStatement(statement, changed);
    }
    const body = bodyOf(entry, folding.sequence);
    return body === undefined ? undefined : foldBody(folding, body, changed);
  }

  function foldBody({ log, sequence, id, entry }: FoldEntry, body: Body, changed: Set<string>): Awaitable<void> {
    const large = entry.bodyBytes > MAX_INLINE_BODY_BYTES;
    const name = body.origin ?? toBase64Url(id);
    let pending: Promise<void> | undefined;
    for (const write of body.writes) {
      const deleted = write[0] === 'delete';
      const value = deleted || large ? null : write[2];
      const version = { id: name, log, sequence, lamport: entry.lamport, deleted, value, large: large && !deleted };
      const incoming = { version, parents: writeParents(write), isCopy: body.origin !== undefined };
      changed.add(write[1]);
      const folded: Awaitable<void> = pending === undefined ? foldWrite(write[1], incoming) : pending.then(() => foldWrite(write[1], incoming));
      if (folded !== undefined) pending = folded as Promise<void>;
    }
    return pending;
  }

  /** Synchronous when the shards are in memory and the write is an ordinary one. */
  function foldWrite(key: string, incoming: Incoming): Awaitable<void> {
    const state = states.get(key);
    if (state instanceof Promise) return state.then((loaded) => foldInto(key, loaded, incoming));
    return foldInto(key, state, incoming);
  }

  function foldInto(key: string, state: KeyState | undefined, incoming: Incoming): Awaitable<void> {
    const next = quickState(state, incoming, refused);
    if (next === undefined) return foldSlowly(key, state, incoming);
    const rowKey = historyKey(key, next.state.versions - 1);
    const piece = histories.get(rowKey);
    const store = (versions: PastVersion[] | undefined): void => {
      histories.set(rowKey, versions === undefined ? [next.past] : (versions.push(next.past), versions));
      setState(key, next.state);
    };
    return piece instanceof Promise ? piece.then(store) : store(piece);
  }

  async function foldSlowly(key: string, state: KeyState | undefined, incoming: Incoming): Promise<void> {
    const history = await readHistory(key, state?.versions ?? 0);
    const past = toPastVersion(incoming, history, refused);
    const rowKey = historyKey(key, history.length);
    histories.set(rowKey, [...((await histories.get(rowKey)) ?? []), past]);
    await derive(key, [...history, past], [...(state?.live ?? []), incoming.version], incoming.isCopy || (state?.hasOrigins ?? false));
  }

  /** Sets a key's state to what its history says; values come from versions at hand, or from the log. */
  async function derive(key: string, history: readonly PastVersion[], atHand: readonly LiveVersion[], hasOrigins: boolean): Promise<void> {
    const derived = deriveState(history);
    const ranked = await rank(derived.live);
    const live: LiveVersion[] = [];
    for (const past of ranked) {
      const known = atHand.find((version) => version.log === past.log && version.sequence === past.sequence);
      live.push(known ?? (await readVersion(key, past)));
    }
    const { missing, collisions, created } = derived;
    await states.get(key);
    setState(key, { live, missing, collisions: collisions.length, versions: history.length, created, hasOrigins });
  }

  /** The order of display: greater lamport, then greater SHA-256(parent ‖ log), then greater sequence. Never a clock (VIEW4). */
  async function rank(versions: readonly PastVersion[]): Promise<PastVersion[]> {
    if (versions.length < 2) return [...versions];
    const hashes = new Map<PastVersion, Uint8Array<ArrayBuffer>>();
    for (const version of versions) {
      hashes.set(version, await context.crypto.sha256(utf8((version.parents.toSorted()[0] ?? '') + version.log)));
    }
    const none = new Uint8Array(0);
    return versions.toSorted(
      (a, b) => b.lamport - a.lamport || compareBytes(hashes.get(b) ?? none, hashes.get(a) ?? none) || b.sequence - a.sequence,
    );
  }

  async function readVersion(key: string, past: PastVersion): Promise<LiveVersion> {
    const entry = await context.readEntry(past.log, past.sequence);
    const body = entry === undefined ? undefined : bodyOf(entry, past.sequence);
    const write = body?.writes.find(([, written]) => written === key);
    const { log, sequence, lamport, deleted } = past;
    const large = (entry?.bodyBytes ?? 0) > MAX_INLINE_BODY_BYTES && !deleted;
    const id = body?.origin ?? (await idOf(past));
    return { id, log, sequence, lamport, deleted, large, value: large ? null : valueOf(write) };
  }

  async function idOf({ log, sequence }: PastVersion): Promise<string> {
    const id = await context.entryId(log, sequence);
    return id === undefined ? '' : toBase64Url(id);
  }

  async function readHistory(key: string, versions: number): Promise<PastVersion[]> {
    const history: PastVersion[] = [];
    for (let at = 0; at < versions; at += HISTORY_PIECE_VERSIONS) history.push(...((await histories.get(historyKey(key, at))) ?? []));
    return history;
  }

  async function foldStatement(statement: Statement, changed: Set<string>): Promise<void> {
    if (statement.kind === 'enrol') {
      // The first enrolment of a log holds: a log never changes hands.
      if ((await accounts.get(statement.log)) === undefined) accounts.set(statement.log, statement.account);
      return;
    }
    const { kind: _, ...row } = statement;
    if (refused.has(row.id)) return;
    refused.set(row.id, row);
    await refusals.get(row.id);
    refusals.set(row.id, row);
    if (context.isFolded(row.log, row.sequence)) await takeBack(row, changed);
  }

  /** A refused entry that readers saw: its versions leave the keys, and what they superseded is live again (S2.26). */
  async function takeBack({ log, sequence }: RefusedEntry, changed: Set<string>): Promise<void> {
    const entry = await context.readEntry(log, sequence);
    const body = entry === undefined ? undefined : bodyOf(entry, sequence);
    for (const [, key] of body?.writes ?? []) {
      const state = await states.get(key);
      if (state === undefined) continue;
      const history = (await readHistory(key, state.versions)).map((past) =>
        past.log === log && past.sequence === sequence ? { ...past, refused: true } : past,
      );
      for (let at = 0; at < history.length; at += HISTORY_PIECE_VERSIONS) {
        histories.set(historyKey(key, at), history.slice(at, at + HISTORY_PIECE_VERSIONS));
      }
      await derive(key, history, state.live, state.hasOrigins);
      changed.add(key);
    }
  }

  async function readValue(key: string, { log, sequence }: LiveVersion): Promise<Json> {
    const entry = await context.readEntry(log, sequence);
    const body = entry === undefined ? undefined : bodyOf(entry, sequence);
    return valueOf(body?.writes.find(([, written]) => written === key));
  }

  const api = createKeyValueApi({ states, accounts, refused, conflicted, readHistory, readValue });
  return { fold, api };
}

/** The next state when the write is an ordinary one: first of its key, or superseding live versions only, with one left. */
function quickState(
  state: KeyState | undefined,
  { version, parents, isCopy }: Incoming,
  refused: ReadonlyMap<string, unknown>,
): { readonly state: KeyState; readonly past: PastVersion } | undefined {
  if (isCopy || refused.has(version.id)) return undefined;
  const { log, sequence, lamport, deleted } = version;
  const id = shortId(version.id);
  if (state === undefined) {
    if (parents.length > 0) return undefined;
    const past = { id, log, sequence, lamport, deleted, parents: [], refused: false };
    const created = { lamport, log, sequence };
    return { past, state: { live: [version], missing: [], collisions: 0, versions: 1, created, hasOrigins: false } };
  }
  if (state.hasOrigins || state.missing.includes(id) || parents.length === 0 || parents.length !== state.live.length) return undefined;
  const superseded: string[] = [];
  for (const parent of parents) {
    const live = state.live.find((other) => (typeof parent === 'string' ? other.id === parent : other.log === log && other.sequence === parent));
    if (live === undefined) return undefined;
    superseded.push(shortId(live.id));
  }
  const past = { id, log, sequence, lamport, deleted, parents: superseded, refused: false };
  return { past, state: { ...state, live: [version], versions: state.versions + 1 } };
}

function toPastVersion({ version, parents }: Incoming, history: readonly PastVersion[], refused: ReadonlyMap<string, unknown>): PastVersion {
  const { log, sequence, lamport, deleted } = version;
  const named = parents.map((parent) => {
    if (typeof parent === 'string') return shortId(parent);
    return history.find((past) => past.log === log && past.sequence === parent)?.id ?? unknownParent(log, parent);
  });
  return { id: shortId(version.id), log, sequence, lamport, deleted, parents: named, refused: refused.has(version.id) };
}

function bodyOf(entry: RunEntry, sequence: number): Body | undefined {
  if (entry.kind !== KIND.data || entry.content.form !== 'body' || !isKnownToThisVersion(entry)) return undefined;
  if ((entry.flags & FLAG.encrypted) !== 0) return undefined;
  return partsToBody(entry.content.parts, sequence);
}

function valueOf(write: Write | undefined): Json {
  return write?.[0] === 'put' ? write[2] : null;
}

function historyKey(key: string, version: number): string {
  return `${Math.floor(version / HISTORY_PIECE_VERSIONS).toString(36)}:${key}`;
}

