import type { Body, Json, Parent, Write } from '../../log/body.ts';
import { partsToBody, writeParents } from '../../log/body.ts';
import type { Awaitable, Bytes } from '../../log/bytes.ts';
import { compareBytes, toBase64Url, utf8 } from '../../log/bytes.ts';
import { FLAG, isKnownToThisVersion, KIND } from '../../log/header.ts';
import type { RunEntry } from '../../log/run.ts';
import type { FoldEntry, OpenView, View, ViewContext } from '../view.ts';
import type { KeyRows, VerdictPlace } from './key-rows.ts';
import { openKeyRows } from './key-rows.ts';
import type { KeyState, LiveVersion, PastVersion } from './key-state.ts';
import { deriveState, shortId, unknownParent } from './key-state.ts';
import type { RefusedEntry } from './item.ts';
import { compareCreation } from './item.ts';
import type { KeyValueApi } from './key-value-api.ts';
import { createKeyValueApi } from './key-value-api.ts';
import type { Statement } from './statements.ts';
import { readStatement } from './statements.ts';

/** A value of a longer entry stays in the log; the row only says where. */
const MAX_INLINE_BODY_BYTES = 4_096;

/** A write with its place, on its way into a key's state. */
interface Incoming {
  readonly version: LiveVersion;
  readonly parents: readonly Parent[];
  readonly isCopy: boolean;
  /** Id of the entry itself, which is what an authority refuses; a copy's version is named by its origin. */
  readonly entryId: string;
}

/**
 * The base view: every key's live versions, one of them to display; collisions and conflicts kept (VIEW1, VIEW4). The
 * usual write supersedes what is live and is folded by a quick path; everything else derives the key's state from its whole
 * history. Both give the same state (VIEW5).
 */
export const keyValueView: View<KeyValueApi> = { name: 'key-value', version: 2, open: openKeyValueView };

async function openKeyValueView(context: ViewContext): Promise<OpenView<KeyValueApi>> {
  const rows = await openKeyRows(context);
  const { states, refused, accounts } = rows;

  function fold({ log, sequence, id, entry }: FoldEntry, changed: Set<string>): Awaitable<void> {
    if (entry.kind >= KIND.enrol) {
      const statement = context.isAuthority(log) ? readStatement(entry) : undefined;
      return statement === undefined ? undefined : foldStatement(statement, { log, sequence }, changed);
    }
    const body = bodyOf(entry, sequence);
    const large = entry.bodyBytes > MAX_INLINE_BODY_BYTES;
    const entryId = toBase64Url(id);
    const name = body?.origin ?? entryId;
    const applied: Awaitable<Apply>[] = [];
    for (const write of body?.writes ?? []) {
      const [key, deleted] = [write[1], write[0] === 'delete'];
      const value = deleted || large ? null : valueOf(write);
      const version = { id: name, log, sequence, lamport: entry.lamport, deleted, value, large: large && !deleted };
      const incoming = { version, parents: writeParents(write), isCopy: body?.origin !== undefined, entryId };
      changed.add(key);
      applied.push(foldWrite(key, incoming));
    }
    return applyTogether(applied);
  }

  /** What a write comes to. Synchronous when the key's shards are in memory and the write is an ordinary one. */
  function foldWrite(key: string, incoming: Incoming): Awaitable<Apply> {
    const state = states.get(key);
    return state instanceof Promise ? state.then((loaded) => foldInto(key, loaded, incoming)) : foldInto(key, state, incoming);
  }

  function foldInto(key: string, state: KeyState | undefined, incoming: Incoming): Awaitable<Apply> {
    const next = quickState(state, incoming, refused);
    if (next === undefined) return foldSlowly(key, state, incoming);
    const apply: Apply = () => {
      rows.addToHistory(key, next.state.versions - 1, next.past);
      rows.setState(key, next.state);
    };
    const loading = rows.loadHistoryEnd(key, next.state.versions - 1);
    return loading instanceof Promise ? loading.then(() => apply) : apply;
  }

  async function foldSlowly(key: string, state: KeyState | undefined, incoming: Incoming): Promise<Apply> {
    const history = await rows.history(key, state?.versions ?? 0);
    const past = toPastVersion(incoming, history, refused);
    await rows.loadHistoryEnd(key, history.length);
    const atHand = [...(state?.live ?? []), incoming.version];
    const next = await derive(key, [...history, past], atHand, incoming.isCopy || (state?.hasOrigins ?? false));
    return () => {
      rows.addToHistory(key, history.length, past);
      rows.setState(key, next);
    };
  }

  /** A key's state as its history says; values come from versions at hand, or from the log. */
  async function derive(key: string, history: readonly PastVersion[], atHand: readonly LiveVersion[], hasOrigins: boolean): Promise<KeyState> {
    const { live: past, missing, collisions, created } = deriveState(history);
    const live: LiveVersion[] = [];
    for (const version of await rank(context, past)) {
      const known = atHand.find(({ log, sequence }) => log === version.log && sequence === version.sequence);
      live.push(known ?? (await readVersion(key, version)));
    }
    await states.get(key);
    return { live, missing, collisions: collisions.length, versions: history.length, created, hasOrigins };
  }

  async function readVersion(key: string, { log, sequence, lamport, deleted }: PastVersion): Promise<LiveVersion> {
    const entry = await context.readEntry(log, sequence);
    const body = entry && bodyOf(entry, sequence);
    const large = (entry?.bodyBytes ?? 0) > MAX_INLINE_BODY_BYTES && !deleted;
    const id = body?.origin ?? toBase64Url((await context.entryId(log, sequence)) ?? new Uint8Array(0));
    return { id, log, sequence, lamport, deleted, large, value: large ? null : valueOf(body?.writes.find((write) => write[1] === key)) };
  }

  async function readValue(key: string, { log, sequence }: LiveVersion): Promise<Json> {
    const entry = await context.readEntry(log, sequence);
    return valueOf(entry && bodyOf(entry, sequence)?.writes.find((write) => write[1] === key));
  }

  async function foldStatement(statement: Statement, place: VerdictPlace, changed: Set<string>): Promise<void> {
    if (statement.kind === 'forkVerdict') return rows.addFork(statement.log, place);
    if (statement.kind === 'enrol') {
      // The first enrolment of a log holds: a log never changes hands.
      if ((await accounts.get(statement.log)) === undefined) accounts.set(statement.log, statement.account);
      return;
    }
    const { kind: _kind, ...row } = statement;
    if (refused.has(row.id)) return;
    // Nothing is noted before all of it can be: what fails here is folded again as if for the first time.
    const takenBack = context.isFolded(row.log, row.sequence) ? await takeBack(row, changed) : [];
    rows.addRefused(row);
    for (const apply of takenBack) apply();
  }

  /** A refused entry that readers saw: its versions leave the keys, and what they superseded is live again (VIEW8). */
  async function takeBack({ log, sequence, id }: RefusedEntry, changed: Set<string>): Promise<readonly Apply[]> {
    const [entry, held] = [await context.readEntry(log, sequence), await context.entryId(log, sequence)];
    // Another branch of the log may have another entry there.
    const body = entry && held && toBase64Url(held) === id ? bodyOf(entry, sequence) : undefined;
    const applied: Apply[] = [];
    for (const [, key] of body?.writes ?? []) {
      const state = await states.get(key);
      if (state === undefined) continue;
      const history = await rows.history(key, state.versions);
      const marked = history.map((past) => (past.log === log && past.sequence === sequence ? { ...past, refused: true } : past));
      const next = await derive(key, marked, state.live, state.hasOrigins);
      applied.push(() => {
        rows.replaceHistory(key, marked);
        rows.setState(key, next);
      });
      changed.add(key);
    }
    return applied;
  }

  return { fold, api: createKeyValueApi(rows, readValue) };
}

/** Makes what was folded visible. Everything it needs is in memory. */
type Apply = () => void;

/** All writes of an entry are seen at once: nobody reads between the first and the last (VIEW1). */
function applyTogether(applied: readonly Awaitable<Apply>[]): Awaitable<void> {
  if (applied.some((apply) => apply instanceof Promise)) {
    return Promise.all(applied.map(async (apply) => apply)).then((ready) => {
      for (const apply of ready) apply();
    });
  }
  for (const apply of applied as readonly Apply[]) apply();
}

/** The next state when the write is an ordinary one: first of its key, or superseding all live versions and nothing else. */
function quickState(
  state: KeyState | undefined,
  { version, parents, isCopy, entryId }: Incoming,
  refused: KeyRows['refused'],
): { readonly state: KeyState; readonly past: PastVersion } | undefined {
  if (isCopy || refused.has(entryId)) return undefined;
  const { log, sequence, lamport, deleted } = version;
  const id = shortId(version.id);
  if (state === undefined) {
    if (parents.length > 0) return undefined;
    const past = { id, log, sequence, lamport, deleted, parents: [], refused: false };
    const created = { lamport, log, sequence };
    return { past, state: { live: [version], missing: [], collisions: 0, versions: 1, created, hasOrigins: false } };
  }
  if (state.hasOrigins || state.missing.includes(id) || parents.length === 0 || parents.length !== state.live.length) return undefined;
  // Where no version is a first one, the earliest of all counts as the creation.
  if (compareCreation(version, state.created) < 0) return undefined;
  const superseded: string[] = [];
  for (const parent of parents) {
    const live = state.live.find((other) => (typeof parent === 'string' ? other.id === parent : other.log === log && other.sequence === parent));
    if (live === undefined) return undefined;
    // Named twice, by sequence and by id: then another live version is not named.
    if (superseded.includes(shortId(live.id))) return undefined;
    superseded.push(shortId(live.id));
  }
  const past = { id, log, sequence, lamport, deleted, parents: superseded, refused: false };
  const { missing, collisions, versions, created, hasOrigins } = state;
  return { past, state: { live: [version], missing, collisions, versions: versions + 1, created, hasOrigins } };
}

function toPastVersion({ version, parents, entryId }: Incoming, history: readonly PastVersion[], refused: KeyRows['refused']): PastVersion {
  const { log, sequence, lamport, deleted } = version;
  const named = parents.map((parent) => {
    if (typeof parent === 'string') return shortId(parent);
    return history.find((past) => past.log === log && past.sequence === parent)?.id ?? unknownParent(log, parent);
  });
  return { id: shortId(version.id), log, sequence, lamport, deleted, parents: [...new Set(named)], refused: refused.has(entryId) };
}

/** The order of display: greater lamport, then greater SHA-256(parent ‖ log), then greater sequence. Never a clock (VIEW4). */
async function rank({ crypto }: ViewContext, versions: readonly PastVersion[]): Promise<readonly PastVersion[]> {
  if (versions.length < 2) return versions;
  const ranked: { readonly version: PastVersion; readonly hash: Bytes }[] = [];
  for (const version of versions) {
    const hash = await crypto.sha256(utf8((version.parents.toSorted()[0] ?? '') + version.log));
    ranked.push({ version, hash });
  }
  return ranked
    .toSorted((a, b) => b.version.lamport - a.version.lamport || compareBytes(b.hash, a.hash) || b.version.sequence - a.version.sequence)
    .map(({ version }) => version);
}

function bodyOf(entry: RunEntry, sequence: number): Body | undefined {
  if (entry.kind !== KIND.data || entry.content.form !== 'body' || !isKnownToThisVersion(entry)) return undefined;
  if ((entry.flags & FLAG.encrypted) !== 0) return undefined;
  return partsToBody(entry.content.parts, sequence);
}

function valueOf(write: Write | undefined): Json {
  return write?.[0] === 'put' ? write[2] : null;
}
