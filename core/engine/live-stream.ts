import type { Bytes } from '../log/bytes.ts';
import { toBase64Url } from '../log/bytes.ts';
import { encodeCursor } from '../protocol/codec.ts';
import { createFrameReader } from '../protocol/frames.ts';
import type { Exchange } from './exchange.ts';
import { explainFailure } from './exchange.ts';
import type { Transport } from './ports.ts';
import type { Replica } from './replica.ts';
import { LONGEST_ORDERED_PAUSE_MS } from './sync-state.ts';
import { createTurns } from './turns.ts';
import { readMemory } from './sync-memory.ts';

/** A timer of 2^31 ms or more would fire at once. */
const capped = (pauseMs: number | undefined): number | undefined => pauseMs && Math.min(pauseMs, LONGEST_ORDERED_PAUSE_MS);

export interface LiveStream {
  /** Opens the stream unless it is open. */
  readonly open: () => void;
  readonly close: () => void;
  readonly isOpen: () => boolean;
}

export interface LiveStreamOptions {
  readonly replica: Replica;
  readonly device: string;
  readonly life: string;
  readonly transport: Transport;
  readonly exchange: Exchange;
  /** The stream is up (its first frame came), or it ended: by itself, or since a round is needed. */
  readonly onChange: () => void;
  /**
   * Ended for a reason that another exchange finds out. `pauseMs`: when the server said how long to stay away; `wasUp`: a frame
   * had come.
   */
  readonly onEnd: (pauseMs: number | undefined, wasUp: boolean) => void;
}

/** `GET {mount}/live` while somebody looks: entries of others as they arrive. A round stays the judge of everything. */
export function createLiveStream({ replica, device, life, transport, exchange, onChange, onEnd }: LiveStreamOptions): LiveStream {
  let stop: AbortController | undefined;
  let up = false;

  async function follow(controller: AbortController): Promise<number | undefined> {
    const { cursor } = await readMemory(replica.store);
    if (cursor === undefined) return undefined;
    const query = { space: replica.space, account: replica.account, device, life, cursor: toBase64Url(encodeCursor(cursor)) };
    const frames = createFrameReader();
    const turns = createTurns();
    const onPiece = (piece: Bytes): void => {
      const complete = frames.push(piece);
      if (complete === 'too-large') return controller.abort();
      for (const frame of complete) void turns(() => takeFrame(frame, controller));
    };
    const ended = await transport.live(query, onPiece, controller.signal);
    await turns(async () => undefined);
    const failure = ended === 'ended' ? undefined : explainFailure(ended);
    return failure !== undefined && 'kind' in failure && failure.kind === 'later' ? capped(failure.retryAfterMs) : undefined;
  }

  async function takeFrame(frame: Bytes, controller: AbortController): Promise<void> {
    if (!up) {
      up = true;
      onChange();
    }
    // After a frame that asked for a round, those behind it are the round's.
    if (frame.length === 0 || controller.signal.aborted) return;
    const outcome = await exchange.takeLive(frame).catch(() => undefined);
    if (outcome?.kind !== 'level') controller.abort();
    // Entries that wait under the ribbon change no view, and the status all the same.
    else onChange();
  }

  function open(): void {
    if (stop !== undefined) return;
    const controller = new AbortController();
    stop = controller;
    follow(controller)
      .catch(() => undefined)
      .then((pauseMs) => {
        if (stop === controller) stop = undefined;
        const wasUp = up;
        up = false;
        onChange();
        onEnd(pauseMs, wasUp);
      })
      .catch(() => undefined);
  }

  return {
    open,
    close() {
      stop?.abort();
      stop = undefined;
      up = false;
    },
    isOpen: () => up,
  };
}
