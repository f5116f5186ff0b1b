import type { Request, RequestHandler, Response } from 'express';
import { fromBase64Url } from '../../core/log/bytes.ts';
import { asName, NotThisMessage } from '../../core/protocol/cbor.ts';
import { decodeCursor, encodeSyncResponse } from '../../core/protocol/codec.ts';
import { WakelogError } from '../../core/protocol/errors.ts';
import { encodeFrame, LIVE_HEARTBEAT_MS } from '../../core/protocol/frames.ts';
import { SYNC_CONTENT_TYPE } from '../../core/protocol/limits.ts';
import type { Cursor } from '../../core/protocol/messages.ts';
import type { OpenSpace } from '../spaces/open-space.ts';
import { createLiveFeed } from '../sync/live-feed.ts';
import type { RouteContext } from './context.ts';
import type { LiveParty } from './live-connections.ts';
import { route } from './replies.ts';

/** Two heartbeats that could not be written: whoever reads so slowly is cut off, and comes back by request. */
const STALLED_HEARTBEATS = 2;
export interface LiveTimings {
  readonly heartbeatMs: number;
  /** Whether a session still holds is asked so often. */
  readonly recheckMs: number;
}

const TIMINGS: LiveTimings = { heartbeatMs: LIVE_HEARTBEAT_MS, recheckMs: 60_000 };
const BUSY_RETRY_MS = 30_000;

/** `GET {mount}/live?space&account&device&cursor`: frames of sync responses as entries arrive (SYNC13). */
export function liveRoute(context: RouteContext, timings: LiveTimings = TIMINGS): RequestHandler {
  return route('cbor', context.log, async (request, response) => {
    context.guards.checkSite(request);
    const { party, cursor } = readQuery(request);
    await checkMayRead(context, request, party);
    await context.spaces.use(party.space, (space) =>
      serveLive({ context, space, party, cursor, request, response, timings }),
    );
  });
}

interface LiveRequest {
  readonly context: RouteContext;
  readonly space: OpenSpace;
  readonly party: LiveParty;
  readonly cursor: Cursor;
  readonly request: Request;
  readonly response: Response;
  readonly timings: LiveTimings;
}

async function serveLive({ context, space, party, cursor, request, response, timings }: LiveRequest): Promise<void> {
  const feed = createLiveFeed(space, cursor, context.sync.now);
  const bell = createBell();
  const end = bell.silence;
  const remove = context.live.add({ party, noteCarried: feed.noteCarried, end });
  if (remove === undefined) throw new WakelogError('busy', 'all live connections are taken', BUSY_RETRY_MS);
  const unfollow = space.store.follow(bell.ring);
  const stopHeartbeat = startHeartbeat(response, end, timings.heartbeatMs);
  const stopRecheck = startRecheck(() => checkMayRead(context, request, party), end, timings.recheckMs);
  response.once('close', end);
  try {
    response
      .status(200)
      .set({ 'content-type': SYNC_CONTENT_TYPE, 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
    // At once, so that the device knows the stream is up before anything happens.
    response.write(encodeFrame(new Uint8Array(0)));
    while (bell.isOn()) {
      bell.reset();
      const frame = await feed.next();
      if (!bell.isOn()) break;
      if (frame === 'level') {
        await bell.rung();
        continue;
      }
      const isWritten = response.write(encodeFrame(encodeSyncResponse(frame)));
      if (frame.spaces[0]?.compareVectors === true) break;
      // Nothing more is made while the last frame waits: a reader that does not read costs one frame.
      if (!isWritten) await drained(response);
    }
  } finally {
    stopHeartbeat();
    stopRecheck();
    unfollow();
    remove();
    response.end();
  }
}

function startHeartbeat(response: Response, end: () => void, heartbeatMs: number): () => void {
  let stalled = 0;
  const timer = setInterval(() => {
    stalled = response.writableNeedDrain ? stalled + 1 : 0;
    if (stalled >= STALLED_HEARTBEATS) {
      end();
      response.destroy();
    } else if (stalled === 0) {
      response.write(encodeFrame(new Uint8Array(0)));
    }
  }, heartbeatMs);
  return () => clearInterval(timer);
}

function startRecheck(check: () => Promise<void>, end: () => void, recheckMs: number): () => void {
  const timer = setInterval(() => {
    check().catch(end);
  }, recheckMs);
  return () => clearInterval(timer);
}

async function checkMayRead(context: RouteContext, request: Request, { account, space }: LiveParty): Promise<void> {
  const session = await context.sessionOf(request);
  if (session.account !== undefined && session.account !== account) throw new WakelogError('account-mismatch');
  if (!(await session.read(space))) throw new WakelogError('forbidden');
}

function readQuery(request: Request): { readonly party: LiveParty; readonly cursor: Cursor } {
  const query = new URL(request.originalUrl, 'http://localhost').searchParams;
  const bytes = fromBase64Url(query.get('cursor') ?? '');
  const cursor = bytes === undefined ? 'malformed' : decodeCursor(bytes);
  if (typeof cursor === 'string') throw new WakelogError(cursor);
  try {
    const [space, account, device] = ['space', 'account', 'device'].map((name) => asName(query.get(name))) as [
      string,
      string,
      string,
    ];
    return { party: { space, account, device }, cursor };
  } catch (error) {
    if (error instanceof NotThisMessage) throw new WakelogError('malformed');
    throw error;
  }
}

/** Wakes the one who waits, and remembers that it was rung, so that nothing is missed between two looks. */
interface Bell {
  readonly ring: () => void;
  readonly reset: () => void;
  readonly rung: () => Promise<void>;
  /** Rings for the last time. */
  readonly silence: () => void;
  readonly isOn: () => boolean;
}

function createBell(): Bell {
  let isRung = false;
  let isOn = true;
  let wake: (() => void) | undefined;
  function ring(): void {
    isRung = true;
    wake?.();
  }
  return {
    ring,
    reset() {
      isRung = !isOn;
    },
    async rung() {
      if (isRung) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      wake = undefined;
    },
    silence() {
      isOn = false;
      ring();
    },
    isOn: () => isOn,
  };
}

function drained(response: Response): Promise<void> {
  if (response.destroyed || !response.writableNeedDrain) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}
