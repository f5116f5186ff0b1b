import type { Body, Parent, Write } from '../log/body.ts';
import { bodyToParts, partsToBody } from '../log/body.ts';
import type { Awaitable } from '../log/bytes.ts';
import { toBase64Url, utf8 } from '../log/bytes.ts';
import { KIND, NO_ENTRY } from '../log/header.ts';
import { MAX_LAMPORT_JUMP } from '../log/limits.ts';
import type { Head, LogStore, NamedValues } from '../log/log-store.ts';
import type { VerifiedRun } from '../log/run.ts';
import type { DraftEntry } from '../log/run-build.ts';
import { buildRuns } from '../log/run-build.ts';
import type { LogName } from '../log/version-vector.ts';
import { logName } from '../log/version-vector.ts';
import { WakelogError } from '../protocol/errors.ts';
import type { KeyValueApi, VersionName } from '../views/key-value/key-value-api.ts';
import type { Statement } from '../views/key-value/statements.ts';
import { statementToDraft } from '../views/key-value/statements.ts';
import type { Item, Version } from '../views/key-value/item.ts';
import type { EnginePorts } from './ports.ts';
import type { Appended, Draft, DraftContext, DraftWrite } from './replica.ts';

/** Later than any clock of ours: a clock gone wild must not make an entry that cannot be encoded. */
const MAX_CLOCK_MS: number = 2 ** 47;

/** The named value that tells which log was begun last, for a device that lost its key: written with the log's open entry. */
export const OWN_LOG = 'own-log';

/** What one log of this device is about to be extended by: nothing of it exists until it is durable. */
export interface Extension {
  readonly log: LogName;
  /** What a draft may look at: the view, and the drafts before it in this extension. */
  readonly item: DraftContext['item'];
  /** Adds an entry for each; their sequences. Throws `invalid-entry` when one breaks a limit, with nothing added of any. */
  readonly addDrafts: (drafts: readonly Draft[]) => Promise<number[]>;
  readonly addStatement: (statement: Statement) => number;
  readonly addCopy: (body: Body) => number;
  /** The named values that its drafts ask for, once the entries have ids; of a new log also that it is the own one. */
  readonly values: (idOf: (sequence: number) => string) => NamedValues;
  /** Chained and signed. */
  readonly runs: () => Promise<VerifiedRun[]>;
}

/** A write of an extension, and the entry that it is part of. */
interface Written {
  readonly write: DraftWrite;
  readonly sequence: number;
  readonly lamport: number;
}

export interface ExtensionStart {
  readonly ports: EnginePorts;
  readonly spaceHash: Uint8Array<ArrayBuffer>;
  readonly view: Pick<KeyValueApi, 'item' | 'live'>;
  readonly head: Pick<Head, 'sequence' | 'id' | 'lamport'> | undefined;
  readonly key: Parameters<typeof buildRuns>[1];
  /** Greatest lamport counter seen in the space. */
  readonly lamportSeen: number;
  /** The greatest that is stored, whichever context of the device took it. */
  readonly lamportStored: () => Promise<number>;
  /** Body of the open entry, for a new log. */
  readonly opening: { readonly device: string; readonly account: string; readonly continues?: object; readonly reason?: string };
}

export function startExtension({ ports, spaceHash, view, head, key, lamportSeen, lamportStored, opening }: ExtensionStart): Extension {
  const log = logName(key.publicKey);
  const end = head === undefined ? { sequence: -1, id: NO_ENTRY } : { sequence: head.sequence, id: head.id };
  const clock = Math.min(Math.max(Math.floor(ports.clock.now()), 0), MAX_CLOCK_MS);
  const entries: DraftEntry[] = [];
  const remembered: { readonly sequence: number; readonly toValues: (appended: Appended) => NamedValues }[] = [];
  /** What this extension writes, by key. */
  const written = new Map<string, Written[]>();
  // Another context of this device may have seen more: the log's own last is the least.
  const ownLast = head?.lamport ?? 0;
  const atMost = (seen: number): number => Math.min(seen, ownLast + MAX_LAMPORT_JUMP);
  let lamport = Math.max(ownLast, atMost(lamportSeen));

  if (head === undefined) add({ kind: KIND.open, parts: [utf8(JSON.stringify(opening))] });

  function add(entry: Pick<DraftEntry, 'kind' | 'parts'>): number {
    lamport += 1;
    entries.push({ ...entry, lamport, clock });
    return end.sequence + entries.length;
  }

  async function addDrafts(drafts: readonly Draft[]): Promise<number[]> {
    const before = { entries: entries.length, remembered: remembered.length, lamport };
    const sequences: number[] = [];
    try {
      for (const draft of drafts) sequences.push(await addDraft(draft));
    } catch (error) {
      // Whoever waits is told that nothing was taken; others of the same commit must not take it along.
      entries.length = before.entries;
      remembered.length = before.remembered;
      lamport = before.lamport;
      const last = end.sequence + entries.length;
      for (const [key, writes] of written) written.set(key, writes.filter(({ sequence }) => sequence <= last));
      throw error;
    }
    return sequences;
  }

  async function addDraft(draft: Draft): Promise<number> {
    const writes: Write[] = [];
    for (const write of draft.writes) {
      const made = toWrite(write);
      writes.push(made instanceof Promise ? await made : made);
    }
    const sequence = addBody({ writes, ...(draft.events === undefined ? {} : { events: draft.events }) });
    for (const write of draft.writes) {
      const before = written.get(write.key);
      if (before === undefined) written.set(write.key, [{ write, sequence, lamport }]);
      else before.push({ write, sequence, lamport });
    }
    if (draft.values !== undefined) remembered.push({ sequence, toValues: draft.values });
    return sequence;
  }

  function addBody(body: Body): number {
    const parts = bodyToParts(body);
    if (typeof parts === 'string') throw new WakelogError(parts === 'entry-too-large' ? 'too-large' : 'invalid-entry', `the write was not taken: ${parts}`);
    return add({ kind: KIND.data, parts });
  }

  function toWrite(write: DraftWrite): Awaitable<Write> {
    const parents = write.parents === undefined ? displayedParent(write.key) : nameParents(write.key, write.parents);
    return parents instanceof Promise ? parents.then((named) => withParents(write, named)) : withParents(write, parents);
  }

  /** Unless told otherwise, a write supersedes what is displayed: what its writer saw. Other live versions stay. */
  function displayedParent(key: string): Awaitable<Parent[]> {
    const last = written.get(key)?.at(-1);
    if (last !== undefined) return [last.sequence];
    const live = view.live(key);
    return live instanceof Promise ? live.then(displayedOf) : displayedOf(live);
  }

  function displayedOf([displayed]: readonly VersionName[]): Parent[] {
    return displayed === undefined ? [] : [parentName(displayed)];
  }

  async function nameParents(key: string, ids: readonly string[]): Promise<Parent[]> {
    const live = await view.live(key);
    const known = ids.map((id) => live.find((version) => version.id === id));
    // Its writer saw it elsewhere: in another context of the device, perhaps.
    if (known.includes(undefined)) lamport = Math.max(lamport, atMost(await lamportStored()));
    return ids.map((id, i) => {
      const version = known[i];
      return version === undefined ? id : parentName(version);
    });
  }

  /**
   * Versions of this log are named by sequence, others by id; a copy's name is its origin's id. What another context of the
   * device took may show here by the rows of the view: its counter is new then (LOG17).
   */
  function parentName(version: VersionName): Parent {
    lamport = Math.max(lamport, atMost(version.lamport));
    return version.log === log ? version.sequence : version.id;
  }

  /** What readers would see of a key. */
  async function item(key: string): Promise<Item | undefined> {
    let seen = await view.item(key);
    for (const one of written.get(key) ?? []) seen = itemAfter(seen, one, log);
    return seen;
  }

  return {
    log,
    item,
    addDrafts,
    addStatement: (statement) => {
      const { kind, part } = statementToDraft(statement);
      return add({ kind, parts: [part] });
    },
    addCopy: addBody,
    values: (idOf) =>
      Object.assign(head === undefined ? { [OWN_LOG]: log } : {}, ...remembered.map(({ sequence, toValues }) => toValues({ id: idOf(sequence), log, sequence }))) as NamedValues,
    runs: () => buildRuns(ports.crypto, key, spaceHash, end, entries),
  };
}

function withParents(write: DraftWrite, parents: readonly Parent[]): Write {
  return 'deleted' in write ? ['delete', write.key, parents] : ['put', write.key, write.value, parents];
}

function itemAfter(before: Item | undefined, { write, sequence, lamport }: Written, log: LogName): Item {
  const deleted = 'deleted' in write;
  // Its id is known only once the entries are chained; nobody outside can have seen it yet.
  const version: Version = { id: '', log, sequence, lamport, deleted, value: deleted ? null : write.value };
  const superseded = new Set(write.parents ?? before?.live.slice(0, 1).map(({ id }) => id));
  const others = (before?.live ?? []).filter(({ id }) => !superseded.has(id));
  return {
    key: write.key,
    live: [version, ...others],
    conflict: others.length > 0,
    incomplete: before?.incomplete ?? false,
    created: before?.created ?? { lamport, log, sequence },
  };
}

/**
 * Own data entries of a log above `from`, as they are to be appended again in another log: named by the id of the first
 * entry ever, parents by ids, since sequences mean another log there (design §3).
 */
export async function copiesOf(store: LogStore, log: LogName, from: number): Promise<Body[]> {
  const head = await store.head(log);
  const copies: Body[] = [];
  const last = head?.sequence ?? -1;
  let next = from + 1;
  while (next <= last) {
    const [run] = await store.range(log, next, last, 0);
    if (run === undefined) break;
    for (const [i, entry] of run.entries.entries()) {
      const sequence = run.first + i;
      if (entry.kind !== KIND.data || entry.content.form !== 'body') continue;
      const body = partsToBody(entry.content.parts, sequence);
      const id = await store.entryId(log, sequence);
      if (body === undefined || id === undefined) continue;
      const writes = await Promise.all(body.writes.map((write) => withParentIds(store, log, write)));
      copies.push({ ...body, writes, origin: body.origin ?? toBase64Url(id) });
    }
    next = run.first + run.entries.length;
  }
  return copies;
}

async function withParentIds(store: LogStore, log: LogName, write: Write): Promise<Write> {
  const toIds = async (parents: readonly Parent[]): Promise<string[]> => {
    const ids: string[] = [];
    for (const parent of parents) {
      const id = typeof parent === 'string' ? parent : await store.entryId(log, parent);
      // Of an entry that a power cut took nobody knows the id (LOG21).
      if (id !== undefined) ids.push(typeof id === 'string' ? id : toBase64Url(id));
    }
    return ids;
  };
  return write[0] === 'put' ? ['put', write[1], write[2], await toIds(write[3])] : ['delete', write[1], await toIds(write[2])];
}
