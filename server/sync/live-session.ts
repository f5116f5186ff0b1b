import type { Bytes } from '../../core/log/bytes.ts';
import { encodeSyncResponse } from '../../core/protocol/codec.ts';
import { WakelogError } from '../../core/protocol/errors.ts';
import { encodeFrame, LIVE_HEARTBEAT_MS } from '../../core/protocol/frames.ts';
import type { Cursor } from '../../core/protocol/messages.ts';
import type { OpenSpace } from '../spaces/open-space.ts';
import type { LiveConnections, LiveParty } from './live-connections.ts';
import { createLiveFeed } from './live-feed.ts';

/** The stream to one reader, whatever carries it. */
export interface LiveSink {
  /** Takes the bytes; false when `drained` is to be awaited before there are more. */
  readonly write: (bytes: Bytes) => boolean;
  /** Resolves when the reader has read on, is gone, or was cut off. */
  readonly drained: () => Promise<void>;
  /** Whether `write` asked to wait and nothing was read since. */
  readonly isStalled: () => boolean;
  /** Cuts off a reader that does not read. */
  readonly cut: () => void;
}

export interface LiveTimings {
  readonly heartbeatMs: number;
  /** Whether a session still holds is asked so often. */
  readonly recheckMs: number;
}

export interface LiveSessionOptions {
  readonly space: OpenSpace;
  readonly party: LiveParty;
  readonly cursor: Cursor;
  readonly live: LiveConnections;
  /** Wall clock, ms. */
  readonly now: () => number;
  /** Rejects when the session may read no more: the stream ends. */
  readonly checkMayRead: () => Promise<void>;
  readonly timings: LiveTimings;
}

/** One live connection (SYNC13). It has its place from the start, and gives it back when `serve` returns. */
export interface LiveSession {
  /** Sends frames as entries arrive, until `end`. To be called once. */
  readonly serve: (sink: LiveSink) => Promise<void>;
  /** Nobody reads any more, or the server stops. */
  readonly end: () => void;
}

export const LIVE_TIMINGS: LiveTimings = { heartbeatMs: LIVE_HEARTBEAT_MS, recheckMs: 60_000 };

/** Two heartbeats that could not be written: whoever reads so slowly is cut off, and comes back by request. */
const STALLED_HEARTBEATS = 2;
const BUSY_RETRY_MS = 30_000;
/** What says that the server is alive. */
const HEARTBEAT = encodeFrame(new Uint8Array(0));

/** Throws `busy` when all live connections are taken (CAP3). */
export function openLiveSession(options: LiveSessionOptions): LiveSession {
  const { space, party, cursor, live, now, checkMayRead, timings } = options;
  const feed = createLiveFeed(space, cursor, now);
  const bell = createBell();
  const end = bell.silence;
  const remove = live.add({ party, noteCarried: feed.noteCarried, end });
  if (remove === undefined) throw new WakelogError('busy', 'all live connections are taken', BUSY_RETRY_MS);

  async function serve(sink: LiveSink): Promise<void> {
    const unfollow = space.store.follow(bell.ring);
    const stopHeartbeat = startHeartbeat(sink, end, timings.heartbeatMs);
    const stopRecheck = startRecheck(checkMayRead, end, timings.recheckMs);
    try {
      // At once, so that the device knows the stream is up before anything happens.
      sink.write(HEARTBEAT);
      while (bell.isOn()) {
        bell.reset();
        const frame = await feed.next();
        if (!bell.isOn()) break;
        if (frame === 'level') {
          await bell.rung();
          continue;
        }
        const isWritten = sink.write(encodeFrame(encodeSyncResponse(frame)));
        if (frame.spaces[0]?.compareVectors === true) break;
        // Nothing more is made while the last frame waits: a reader that does not read costs one frame.
        if (!isWritten) await sink.drained();
      }
    } finally {
      stopHeartbeat();
      stopRecheck();
      unfollow();
      remove?.();
    }
  }

  return { serve, end };
}

function startHeartbeat(sink: LiveSink, end: () => void, heartbeatMs: number): () => void {
  let stalled = 0;
  const timer = setInterval(() => {
    stalled = sink.isStalled() ? stalled + 1 : 0;
    if (stalled >= STALLED_HEARTBEATS) {
      end();
      sink.cut();
    } else if (stalled === 0) {
      sink.write(HEARTBEAT);
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
