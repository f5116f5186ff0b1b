import type { Bytes } from '../log/bytes.ts';
import type { LogStore, NamedValues } from '../log/log-store.ts';
import { encodeRun } from '../log/run-codec.ts';
import type { LogName, LogRange, VersionVector } from '../log/version-vector.ts';
import { missingRanges } from '../log/version-vector.ts';
import { decodeErrorReply, decodeSyncResponse, encodeSyncRequest } from '../protocol/codec.ts';
import { ERRORS } from '../protocol/errors.ts';
import { FRAME_TARGET_BYTES, MAX_RUNS_PER_FRAME, SYNC_CONTENT_TYPE } from '../protocol/limits.ts';
import type { RefusedRun, SpaceRequest, SpaceResponse } from '../protocol/messages.ts';
import type { Transport, TransportAnswer } from './ports.ts';
import { createAsker, inOrder, nextRequest } from './ask-ahead.ts';
import { createComparedVector } from './compared-vector.ts';
import type { MergeVerdict, Replica } from './replica.ts';
import type { SyncMemory } from './sync-memory.ts';
import { ACKNOWLEDGED, BLOCKED, COMPARED_AT, CURSOR, cursorToText, FORKED, LACKING, readMemory, SETBACK, SYNCED_AT, vectorToText } from './sync-memory.ts';
import type { ExchangeOutcome } from './sync-state.ts';
import { takeOtherBranch } from './take-other-branch.ts';
import { createTurns } from './turns.ts';

/**
 * So many rounds of one exchange may end with nothing gained: no entry that is new here, none newly acknowledged there. An
 * honest server needs a few (another history, a gap, a fork); one that asks for more is left alone for a while (SYNC7).
 */
const MOST_FRUITLESS_ROUNDS = 32;
/**
 * Once a day vectors are compared, and what was refused is sent again, whatever is remembered: if somebody stood in for the server
 * and lied, in its name, that is where it ends (SYNC17).
 */
const COMPARE_EVERY_MS = 86_400_000;
/** Refusals that end by themselves: room is made, a permission is given. Tried again with each exchange (SYNC6). */
const PASSING_REFUSALS: ReadonlySet<RefusedRun['code']> = new Set(['storage-full', 'forbidden', 'unenrolled', 'gap']);

/** What a request carries. */
interface Outgoing {
  readonly runs: readonly Bytes[];
  readonly bytes: number;
  /** Nothing was left behind. */
  readonly all: boolean;
  /** The last sequence sent, of each log. */
  readonly ends: ReadonlyMap<LogName, number>;
}

/** What one exchange has seen so far. */
interface Course {
  fruitless: number;
  /** What the server said that it has: only what is sent to it and newly acknowledged counts as gained, and once. */
  readonly gained: Map<LogName, number>;
  /** The day is over: it forgets refusals, compares vectors, and only then the next day begins (SYNC17). */
  isDue: boolean;
  /** While vectors are compared: logs refused for what may pass, and whether the server has learnt something since. */
  readonly refused: Set<LogName>;
  learnsMore: boolean;
}

export interface ExchangeOptions {
  readonly replica: Replica;
  readonly device: string;
  /** Of this life of the device; its live stream has the same. */
  readonly life: string;
  readonly transport: Transport;
  /** Wall clock, ms. Without one, vectors are compared only for another reason than time. */
  readonly now?: () => number;
}

export interface Exchange {
  /** Rounds until level, or until one fails. Every step is durable: it may be killed anywhere and be run again (SYNC2). */
  readonly run: () => Promise<ExchangeOutcome>;
  /** Takes what came by the live stream. */
  readonly takeLive: (message: Bytes) => Promise<ExchangeOutcome>;
}

export function createExchange({ replica, device, life, transport, now }: ExchangeOptions): Exchange {
  const { store, space, account } = replica;
  /** Set while vectors are compared: what the server said it holds. The cursor is kept only once both are level (SYNC4). */
  let serverHeads: VersionVector | undefined;
  /** While vectors are compared: logs as long as the server's, of which it has not yet judged the last entry that is here. */
  const unproven = new Set<LogName>();
  let frameBytes = FRAME_TARGET_BYTES;
  /** Whether a lack is looked into: once in this life, since what is lacked may be of a format that only an update reads. */
  let looksForLack = true;
  const compared = createComparedVector(replica);
  /** A round's answer and a frame of the live stream are taken one after the other: each begins with what is remembered. */
  const turns = createTurns();

  async function run(): Promise<ExchangeOutcome> {
    // Before the first contact there was nothing to show: pages came from the server, and what it had then is no update.
    const before = await readMemory(store);
    const isFirst = before.syncedAt === undefined;
    const course: Course = { fruitless: 0, gained: new Map(), isDue: isComparisonDue(before, now), refused: new Set(), learnsMore: false };
    const asker = createAsker(transport);
    const encode = (asked: SpaceRequest): Bytes => encodeSyncRequest({ account, device, life, spaces: [asked] });
    await forgetRefusals(store, course.isDue);
    while (course.fruitless < MOST_FRUITLESS_ROUNDS) {
      if (await turns(() => takeOtherBranch(replica))) continue;
      const memory = await readMemory(store);
      const comparing = serverHeads !== undefined || memory.cursor === undefined || (memory.lacking && looksForLack) || course.isDue;
      const vector = comparing ? await compared.present() : undefined;
      const outgoing = await collect(store, [...(await rangesToSend(memory)), ...(await rangesToProve(vector))], frameBytes);
      const part = { space, cursor: comparing ? undefined : memory.cursor, vector, runs: outgoing.runs };
      if (outgoing.ends.has(replica.ownLog() ?? '')) await replica.cover();
      const answer = await asker.ask(encode(part));
      if (answer === undefined) return { kind: 'unreachable' };
      const read = readAnswer(answer, space);
      if ('kind' in read) return read;
      if ('smaller' in read) {
        // The server, or something on the way, takes less at once. One run is the least there is.
        if (frameBytes <= 1) return { kind: 'later', retryAfterMs: undefined };
        frameBytes = outgoing.bytes > 1 ? Math.floor(Math.min(frameBytes, outgoing.bytes) / 2) : 0;
        continue;
      }
      const { response, time } = read;
      const next = nextRequest(part, response);
      if (next !== undefined) asker.askAhead(encode(next));
      const progress = await turns(() => take(response, time, comparing, outgoing, course));
      if (isFirst) await replica.release();
      if (progress !== 'more') return progress;
    }
    return { kind: 'later', retryAfterMs: undefined };
  }

  /** The outbox; while vectors are compared, everything that the server lacks, whoever wrote it. */
  async function rangesToSend({ acknowledged, blocked }: SyncMemory): Promise<LogRange[]> {
    const mine = await headVector(store);
    if (serverHeads !== undefined) return missingRanges(mine, serverHeads).filter(({ log }) => blocked[log] === undefined);
    const own = replica.ownLog();
    const last = own === undefined ? undefined : mine.get(own);
    if (own === undefined || last === undefined || blocked[own] !== undefined) return [];
    return missingRanges(new Map([[own, last]]), acknowledged);
  }

  /**
   * Of a log that is as long here as there a vector does not tell whether it is the same: the server may have been given another
   * branch since it was restored. It judges the last entry; what it has already costs nothing but the way.
   */
  async function rangesToProve(asked: VersionVector = new Map()): Promise<LogRange[]> {
    const mine = await headVector(store);
    const ranges: LogRange[] = [];
    for (const log of unproven) {
      const last = mine.get(log);
      // It moved on meanwhile, or was set aside: then what is sent or fetched tells.
      if (last === undefined || serverHeads?.get(log) !== last) unproven.delete(log);
      // What a request carries is not given: bodies that lack come first.
      else if ((asked.get(log) ?? -1) >= last) ranges.push({ log, first: last, last });
    }
    return ranges;
  }

  async function noteUnproven({ ends }: Outgoing, isFirst: boolean): Promise<void> {
    for (const log of ends.keys()) unproven.delete(log);
    if (!isFirst) return;
    for (const [log, last] of await headVector(store)) if (serverHeads?.get(log) === last && !ends.has(log)) unproven.add(log);
  }

  async function take(response: SpaceResponse, time: number, comparing: boolean, sent: Outgoing, course: Course): Promise<ExchangeOutcome | 'more'> {
    const memory = await readMemory(store);
    await replica.setAuthorities(response.authorities);
    course.fruitless += 1;
    const acknowledged = ownAcknowledged(replica.ownLog(), response.acknowledged, memory, sent.ends, comparing || response.compareVectors);
    // Of logs that were not sent there is nothing to refuse.
    const refusals = response.refused.filter(({ log }) => sent.ends.has(log));
    const refusedForks = refusals.filter(({ code }) => code === 'fork').map(({ log }) => log);
    // What the server acknowledges of a forked log is on its own branch; while vectors are compared, this may be so from the beginning.
    const known = comparing || response.compareVectors ? -1 : (memory.acknowledged.get(replica.ownLog() ?? '') ?? -1);
    for (const log of refusedForks) if (acknowledged.has(log)) acknowledged.set(log, known);
    if (comparing || response.compareVectors) {
      const isFirst = serverHeads === undefined || response.compareVectors;
      serverHeads = new Map([...response.acknowledged, ...acknowledged]);
      await noteUnproven(sent, isFirst);
    }
    if (response.compareVectors) {
      // Another history than the one the cursor came from: wiped, restored, or another server. What it acknowledged
      // before no longer counts.
      await store.putValues({ [CURSOR]: undefined, [ACKNOWLEDGED]: vectorToText(acknowledged), [BLOCKED]: undefined });
      return 'more';
    }
    const blocked = { ...memory.blocked };
    const refused = refusals.map((run) => noteRefusal(run, acknowledged, blocked));
    const gains = gainsAcknowledged(response, sent, course);
    if (comparing) noteRetries(course, refusals, gains);
    const serverLacks = comparing ? await rangesToSend({ ...memory, acknowledged, blocked }) : [];
    const level = response.level && sent.all && serverLacks.length === 0 && unproven.size === 0 && !retries(course, blocked);
    const values: NamedValues = {
      [ACKNOWLEDGED]: vectorToText(acknowledged),
      [SYNCED_AT]: String(time),
      [BLOCKED]: JSON.stringify(blocked),
      ...(comparing && !level ? {} : { [CURSOR]: cursorToText(response.cursor) }),
      ...(comparing && level ? { [LACKING]: undefined, ...(now && course.isDue && { [COMPARED_AT]: String(now()) }) } : {}),
      ...(level && memory.setback !== undefined ? { [SETBACK]: undefined } : {}),
      ...noteForks(memory, refusedForks),
    };
    const valuesOfForks = (logs: readonly LogName[]): NamedValues => ({
      ...noteForks(memory, [...refusedForks, ...logs]),
      ...(comparing && logs.includes(replica.ownLog() ?? '') ? { [ACKNOWLEDGED]: undefined } : {}),
    });
    const verdicts = await replica.merge(response.runs, { values, valuesOfForks });
    if (gains || verdicts.some(({ kind }) => kind === 'accepted')) course.fruitless -= 1;
    if (comparing && level) [looksForLack, course.isDue] = [false, false];
    if (verdicts.some(isLack)) await noteLack(comparing);
    if (comparing) await compared.noteGiven(response);
    if (refusedForks.length > 0 || verdicts.some(({ kind }) => kind === 'fork')) return 'more';
    if (level) {
      serverHeads = undefined;
      compared.end();
    }
    if (refused.includes('again') || (verdicts.some(isLack) && looksForLack)) return 'more';
    if (!level || (await rangesToSend({ ...memory, acknowledged, blocked })).length > 0) return 'more';
    return Object.values(blocked).includes('storage-full') ? { kind: 'later', retryAfterMs: undefined } : { kind: 'level' };
  }

  /** The cursor is past entries that are not here: they are asked for by vector, and again by the next life. */
  async function noteLack(compared: boolean): Promise<void> {
    if (!compared) looksForLack = true;
    await store.putValues({ [LACKING]: 'true' });
  }

  /** What a refused run changes in what the device believes of the server (SYNC6). */
  function noteRefusal({ log, first, code, expected }: RefusedRun, acknowledged: Map<LogName, number>, blocked: Record<LogName, RefusedRun['code']>): 'again' | 'stays' {
    const believed = acknowledged.get(log) ?? serverHeads?.get(log) ?? -1;
    if (code === 'gap' && expected !== undefined && expected <= Math.max(believed, first - 1)) {
      // It lacks what it once acknowledged, or what was taken for held there: sent again from there.
      if (acknowledged.has(log)) acknowledged.set(log, expected - 1);
      if (serverHeads !== undefined) serverHeads = new Map([...serverHeads, [log, expected - 1]]);
      return 'again';
    }
    if (code !== 'fork') blocked[log] = code;
    return 'stays';
  }

  async function takeLive(message: Bytes): Promise<ExchangeOutcome> {
    const decoded = decodeSyncResponse(message);
    const response = typeof decoded === 'string' ? undefined : decoded.spaces.find((part) => part.space === space);
    if (typeof decoded === 'string' || response === undefined) return { kind: 'unreachable' };
    return turns(() => takeFrame(response, decoded.time));
  }

  async function takeFrame(response: SpaceResponse, time: number): Promise<ExchangeOutcome> {
    const memory = await readMemory(store);
    const { cursor } = memory;
    // A round may have overtaken the stream; another epoch is a matter for a round, too.
    if (response.compareVectors || cursor?.epoch !== response.cursor.epoch) return { kind: 'later', retryAfterMs: 0 };
    await replica.setAuthorities(response.authorities);
    const ahead = response.cursor.position > cursor.position;
    const own = replica.ownLog();
    const values = ahead ? { [CURSOR]: cursorToText(response.cursor), [SYNCED_AT]: String(time) } : {};
    const verdicts = await replica.merge(response.runs, { values, valuesOfForks: (logs) => noteForks(memory, logs) });
    const lacks = verdicts.some(isLack);
    if (lacks) await noteLack(false);
    // Entries of the own log came: the one begun in its place is to be sent (S1.2).
    return lacks || own !== replica.ownLog() || verdicts.some(({ kind }) => kind === 'fork') ? { kind: 'later', retryAfterMs: 0 } : { kind: 'level' };
  }

  return { run, takeLive };
}

function noteRetries(course: Course, refusals: readonly RefusedRun[], gains: boolean): void {
  for (const { log, code } of refusals) if (PASSING_REFUSALS.has(code)) course.refused.add(log);
  if (gains && course.refused.size > 0) course.learnsMore = true;
}

/**
 * Whose a log is, the server may have learnt by what was sent along with it or after it. Nobody else may hold what it refused: it
 * is sent once more, and again only when more was learnt (SYNC6).
 */
function retries(course: Course, blocked: Record<LogName, unknown>): boolean {
  if (!course.learnsMore) return false;
  for (const log of course.refused) delete blocked[log];
  course.refused.clear();
  course.learnsMore = false;
  return true;
}

/** A clock that was set back asks for it, too (SYNC17). */
function isComparisonDue({ comparedAt }: SyncMemory, now: (() => number) | undefined): boolean {
  return now !== undefined && (comparedAt === undefined || Math.abs(now() - comparedAt) >= COMPARE_EVERY_MS);
}

/** What stood in the way may be gone by now: the first refusal of this exchange says if not. */
async function forgetRefusals(store: LogStore, all: boolean): Promise<void> {
  const blocked = Object.entries((await readMemory(store)).blocked);
  const lasting = all ? [] : blocked.filter(([, code]) => !PASSING_REFUSALS.has(code));
  if (lasting.length < blocked.length) await store.putValues({ [BLOCKED]: JSON.stringify(Object.fromEntries(lasting)) });
}

async function headVector(store: LogStore): Promise<VersionVector> {
  return inOrder(new Map((await store.heads()).map((head) => [head.log, head.sequence])));
}

/** As many runs as a frame takes. */
async function collect(store: LogStore, ranges: readonly LogRange[], frameBytes: number): Promise<Outgoing> {
  const runs: Bytes[] = [];
  const ends = new Map<LogName, number>();
  let bytes = 0;
  for (const { log, first, last } of ranges) {
    for (let next = first; next <= last; ) {
      // To the end of the log: a row that was merged meanwhile goes beyond `last`, and what is sent of it without its
      // body would count as sent.
      const found = await store.range(log, next, Number.MAX_SAFE_INTEGER, Math.max(0, frameBytes - bytes));
      for (const run of found) {
        const encoded = encodeRun(run);
        if (runs.length > 0 && bytes + encoded.length > frameBytes) return { runs, bytes, all: false, ends };
        runs.push(encoded);
        bytes += encoded.length;
        next = run.first + run.entries.length;
        ends.set(log, next - 1);
        if (runs.length === MAX_RUNS_PER_FRAME) return { runs, bytes, all: false, ends };
      }
      if (found.length === 0) break;
    }
  }
  return { runs, bytes, all: true, ends };
}

/**
 * The own log as the server acknowledged it: never beyond what was sent to it. A greater number stands for entries that
 * this device did not make (it was restored, or cloned), and must not pass for those that it makes next.
 */
function ownAcknowledged(own: LogName | undefined, acknowledged: VersionVector, memory: SyncMemory, ends: Outgoing['ends'], namesAll: boolean): Map<LogName, number> {
  if (own === undefined) return new Map();
  const before = memory.acknowledged.get(own) ?? -1;
  const said = acknowledged.get(own) ?? (namesAll ? -1 : before);
  return new Map([[own, Math.min(said, Math.max(before, ends.get(own) ?? -1))]]);
}

/** Whether more of what was sent is acknowledged than ever before in this exchange. */
function gainsAcknowledged({ acknowledged }: SpaceResponse, { ends }: Outgoing, { gained }: Course): boolean {
  let gains = false;
  for (const [log, last] of acknowledged) {
    const reached = Math.min(last, ends.get(log) ?? Infinity);
    if (reached <= (gained.get(log) ?? -1)) continue;
    gained.set(log, reached);
    gains ||= ends.has(log);
  }
  return gains;
}

/** Something that was given is not here. */
function isLack({ kind }: MergeVerdict): boolean {
  return kind === 'gap' || kind === 'invalid' || kind === 'malformed';
}

function noteForks({ forked }: SyncMemory, logs: readonly LogName[]): NamedValues {
  return logs.length === 0 ? {} : { [FORKED]: JSON.stringify([...new Set([...forked, ...logs])]) };
}

/** Only the server's own, whole and recognised reply counts as an answer (SYNC5). */
function readAnswer(
  answer: TransportAnswer,
  space: string,
): { readonly response: SpaceResponse; readonly time: number } | { readonly smaller: true } | ExchangeOutcome {
  if (answer.contentType === SYNC_CONTENT_TYPE && answer.status === 200) {
    const decoded = decodeSyncResponse(answer.body);
    if (decoded === 'unsupported-protocol') return { kind: 'needs-update' };
    const response = typeof decoded === 'string' ? undefined : decoded.spaces.find((part) => part.space === space);
    if (typeof decoded === 'string' || response === undefined) return { kind: 'unreachable' };
    return response.error === undefined ? { response, time: decoded.time } : outcomeOf(response.error, answer.retryAfterMs);
  }
  return explainFailure(answer);
}

/** What an answer that is no success asks for. */
export function explainFailure(answer: TransportAnswer): { readonly smaller: true } | ExchangeOutcome {
  if (answer.contentType === SYNC_CONTENT_TYPE) {
    const reply = decodeErrorReply(answer.body);
    if (typeof reply !== 'string') return outcomeOf(reply.error, reply.retryAfterMs ?? answer.retryAfterMs);
  }
  if (answer.status === 401) return { kind: 'needs-auth' };
  if (answer.status === 413) return { smaller: true };
  if (answer.status === 429 || answer.status === 503) return { kind: 'later', retryAfterMs: answer.retryAfterMs };
  return { kind: 'unreachable' };
}

function outcomeOf(code: keyof typeof ERRORS, retryAfterMs: number | undefined): { readonly smaller: true } | ExchangeOutcome {
  const { retry } = ERRORS[code];
  if (code === 'unsupported-protocol') return { kind: 'needs-update' };
  if (retry === 'sign-in') return { kind: 'needs-auth' };
  return retry === 'smaller' ? { smaller: true } : { kind: 'later', retryAfterMs };
}
