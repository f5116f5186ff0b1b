import type { Bytes } from '../log/bytes.ts';
import { fromBase64Url, toBase64Url } from '../log/bytes.ts';
import type { LogStore, NamedValues } from '../log/log-store.ts';
import { encodeRun } from '../log/run-codec.ts';
import type { LogName, LogRange, VersionVector } from '../log/version-vector.ts';
import { missingRanges } from '../log/version-vector.ts';
import { decodeErrorReply, decodeSyncResponse, encodeSyncRequest } from '../protocol/codec.ts';
import { ERRORS } from '../protocol/errors.ts';
import { FRAME_TARGET_BYTES, MAX_RUNS_PER_FRAME, SYNC_CONTENT_TYPE } from '../protocol/limits.ts';
import type { Cursor, RefusedRun, SpaceResponse } from '../protocol/messages.ts';
import type { Transport, TransportAnswer } from './ports.ts';
import type { Replica } from './replica.ts';
import type { ExchangeOutcome } from './sync-state.ts';

/** Named values of the store: what a device remembers of its server. */
const CURSOR = 'cursor';
const ACKNOWLEDGED = 'acknowledged';
const SYNCED_AT = 'synced-at';
const BLOCKED = 'blocked';
const FORKED = 'forked';

/** Why the server takes no more of a log of this device, until something changes. */
export type Blocked = Readonly<Record<LogName, RefusedRun['code']>>;

/** What a device remembers of its server, all of it in its database. */
export interface SyncMemory {
  readonly cursor: Cursor | undefined;
  /** Last sequences durable at the server with the cursor's epoch. */
  readonly acknowledged: VersionVector;
  readonly syncedAt: number | undefined;
  readonly blocked: Blocked;
  /** Logs of which the server has another branch: it counts, and has to be taken in place of what is here (SYNC12). */
  readonly forked: readonly LogName[];
}

export interface ExchangeOptions {
  readonly replica: Replica;
  readonly device: string;
  readonly transport: Transport;
}

export interface Exchange {
  /** Rounds until level, or until one fails. Every step is durable: it may be killed anywhere and be run again (SYNC2). */
  readonly run: () => Promise<ExchangeOutcome>;
  /** Takes what came by the live stream. */
  readonly takeLive: (message: Bytes) => Promise<ExchangeOutcome>;
}

export async function readMemory(store: LogStore): Promise<SyncMemory> {
  const cursor = await store.value(CURSOR);
  return {
    cursor: cursor === undefined ? undefined : textToCursor(cursor),
    acknowledged: new Map(JSON.parse((await store.value(ACKNOWLEDGED)) ?? '[]') as [LogName, number][]),
    syncedAt: Number((await store.value(SYNCED_AT)) ?? Number.NaN) || undefined,
    blocked: JSON.parse((await store.value(BLOCKED)) ?? '{}') as Blocked,
    forked: JSON.parse((await store.value(FORKED)) ?? '[]') as LogName[],
  };
}

export function createExchange({ replica, device, transport }: ExchangeOptions): Exchange {
  const { store, space, account } = replica;
  /** Set while vectors are compared: what the server said it holds. The cursor is kept only once both are level (SYNC4). */
  let serverHeads: VersionVector | undefined;
  let frameBytes = FRAME_TARGET_BYTES;

  async function run(): Promise<ExchangeOutcome> {
    // Before the first contact there was nothing to show: pages came from the server, and what it had then is no update.
    const isFirst = (await readMemory(store)).syncedAt === undefined;
    for (;;) {
      const memory = await readMemory(store);
      const [forked] = memory.forked;
      if (forked !== undefined) {
        await takeOtherBranch(forked, memory);
        continue;
      }
      const comparing = serverHeads !== undefined || memory.cursor === undefined;
      const outgoing = await collect(await rangesToSend(memory));
      const part = {
        space,
        cursor: comparing ? undefined : memory.cursor,
        vector: comparing ? await ownVector() : undefined,
        runs: outgoing.runs,
      };
      const answer = await ask(transport, encodeSyncRequest({ account, device, spaces: [part] }));
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
      const progress = await take(response, memory, time, comparing, outgoing.all);
      if (isFirst) await replica.release();
      if (progress !== 'more') return progress;
    }
  }

  async function ownVector(): Promise<VersionVector> {
    return new Map((await store.heads()).map((head) => [head.log, head.sequence]));
  }

  /** The outbox; while vectors are compared, everything that the server lacks, whoever wrote it. */
  async function rangesToSend({ acknowledged, blocked }: SyncMemory): Promise<LogRange[]> {
    const mine = await ownVector();
    if (serverHeads !== undefined) return missingRanges(mine, serverHeads).filter(({ log }) => blocked[log] === undefined);
    const own = replica.ownLog();
    const last = own === undefined ? undefined : mine.get(own);
    if (own === undefined || last === undefined || blocked[own] !== undefined) return [];
    return missingRanges(new Map([[own, last]]), acknowledged);
  }

  /** As many runs as a frame takes; `all` says whether nothing was left behind. */
  async function collect(ranges: readonly LogRange[]): Promise<{ readonly runs: Bytes[]; readonly bytes: number; readonly all: boolean }> {
    const runs: Bytes[] = [];
    let bytes = 0;
    for (const { log, first, last } of ranges) {
      for (let next = first; next <= last; ) {
        for (const run of await store.range(log, next, last, Math.max(0, frameBytes - bytes))) {
          const encoded = encodeRun(run);
          if (runs.length > 0 && bytes + encoded.length > frameBytes) return { runs, bytes, all: false };
          runs.push(encoded);
          bytes += encoded.length;
          next = run.first + run.entries.length;
          if (runs.length === MAX_RUNS_PER_FRAME) return { runs, bytes, all: false };
        }
      }
    }
    return { runs, bytes, all: true };
  }

  async function take(response: SpaceResponse, memory: SyncMemory, time: number, comparing: boolean, sentAll: boolean): Promise<ExchangeOutcome | 'more'> {
    await replica.setAuthorities(response.authorities);
    if (response.compareVectors) {
      // Another history than the one the cursor came from: wiped, restored, or another server. What it acknowledged
      // before no longer counts.
      serverHeads = response.acknowledged;
      await store.putValues({ [CURSOR]: undefined, [ACKNOWLEDGED]: pairs(response.acknowledged), [BLOCKED]: undefined });
      return 'more';
    }
    const acknowledged = new Map([...memory.acknowledged, ...response.acknowledged]);
    if (serverHeads !== undefined) serverHeads = new Map([...serverHeads, ...response.acknowledged]);
    const blocked = { ...memory.blocked };
    const refused = response.refused.map((run) => noteRefusal(run, acknowledged, blocked));
    const level = response.level && sentAll;
    const refusedForks = response.refused.filter(({ code }) => code === 'fork').map(({ log }) => log);
    // What the server acknowledges of a forked log is on its own branch.
    for (const log of refusedForks) acknowledged.set(log, memory.acknowledged.get(log) ?? -1);
    const values: NamedValues = {
      [ACKNOWLEDGED]: pairs(acknowledged),
      [SYNCED_AT]: String(time),
      [BLOCKED]: JSON.stringify(blocked),
      ...(comparing && !level ? {} : { [CURSOR]: cursorToText(response.cursor) }),
      ...(refusedForks.length > 0 ? noteForks(memory, refusedForks) : {}),
    };
    const valuesOfForks = (logs: readonly LogName[]): NamedValues => noteForks(memory, [...refusedForks, ...logs]);
    const verdicts = await replica.merge(response.runs, { values, valuesOfForks });
    if (refusedForks.length > 0 || verdicts.some(({ kind }) => kind === 'fork')) return 'more';
    if (level) serverHeads = undefined;
    if (refused.includes('again')) return 'more';
    const outbox = level ? await rangesToSend({ ...memory, acknowledged, blocked }) : [];
    return level && outbox.length === 0 ? { kind: 'level' } : 'more';
  }

  /**
   * The branch that the server acknowledged counts (SYNC12). What this device wrote on the other one and was never told to be
   * acknowledged goes on in a new log, first; then the log is taken anew from the server. Any step may be the last of
   * this life: the log stays on the list until all is done.
   */
  async function takeOtherBranch(log: LogName, { acknowledged, forked }: SyncMemory): Promise<void> {
    if (log === replica.ownLog()) await replica.rotate('fork', acknowledged.get(log) ?? -1);
    const rest = forked.filter((other) => other !== log);
    await replica.setAside(log, { [FORKED]: JSON.stringify(rest), [CURSOR]: undefined });
  }

  /** What a refused run changes in what the device believes of the server (SYNC6). */
  function noteRefusal({ log, code, expected }: RefusedRun, acknowledged: Map<LogName, number>, blocked: Record<LogName, RefusedRun['code']>): 'again' | 'stays' {
    if (code === 'gap' && expected !== undefined && expected <= (acknowledged.get(log) ?? -1)) {
      // It lacks what it once acknowledged: sent again from there.
      acknowledged.set(log, expected - 1);
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
    const memory = await readMemory(store);
    const { cursor } = memory;
    // A round may have overtaken the stream; another epoch is a matter for a round, too.
    if (response.compareVectors || cursor?.epoch !== response.cursor.epoch) return { kind: 'later', retryAfterMs: 0 };
    await replica.setAuthorities(response.authorities);
    const ahead = response.cursor.position > cursor.position;
    const values = ahead ? { [CURSOR]: cursorToText(response.cursor), [SYNCED_AT]: String(decoded.time) } : {};
    const verdicts = await replica.merge(response.runs, { values, valuesOfForks: (logs) => noteForks(memory, logs) });
    return verdicts.some(({ kind }) => kind === 'fork') ? { kind: 'later', retryAfterMs: 0 } : { kind: 'level' };
  }

  return { run, takeLive };
}

function noteForks({ forked }: SyncMemory, logs: readonly LogName[]): NamedValues {
  return { [FORKED]: JSON.stringify([...new Set([...forked, ...logs])]) };
}

async function ask(transport: Transport, request: Bytes): Promise<TransportAnswer | undefined> {
  try {
    return await transport.sync(request);
  } catch {
    return undefined;
  }
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

function pairs(vector: VersionVector): string {
  return JSON.stringify([...vector]);
}

function cursorToText({ epoch, position, check }: Cursor): string {
  return JSON.stringify([epoch, position, toBase64Url(check)]);
}

function textToCursor(text: string): Cursor | undefined {
  const [epoch, position, check] = JSON.parse(text) as [string, number, string];
  const bytes = fromBase64Url(check);
  return bytes && { epoch, position, check: bytes };
}
