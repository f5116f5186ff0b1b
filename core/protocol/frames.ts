import type { Bytes } from '../log/bytes.ts';
import { concat } from '../log/bytes.ts';
import { MAX_FRAME_BYTES } from './limits.ts';

/*
 * The streamed response of `GET {mount}/live`: each frame is 4 bytes of length, big-endian, and so many bytes of a sync
 * response. A frame of length 0 says that the server is alive.
 */
export const LIVE_HEARTBEAT_MS = 20_000;

export function encodeFrame(message: Bytes): Bytes {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, message.length);
  return concat(length, message);
}

export interface FrameReader {
  /** The frames that are complete with this piece, or `too-large`, after which the stream has to be given up. */
  readonly push: (piece: Bytes) => readonly Bytes[] | 'too-large';
}

/** Puts frames together from pieces of any size. Holds at most one frame. */
export function createFrameReader(): FrameReader {
  let held: Bytes[] = [];
  let heldBytes = 0;

  function push(piece: Bytes): readonly Bytes[] | 'too-large' {
    held.push(piece);
    heldBytes += piece.length;
    const frames: Bytes[] = [];
    while (heldBytes >= 4) {
      const all = held.length === 1 && held[0] !== undefined ? held[0] : concat(...held);
      held = [all];
      const length = new DataView(all.buffer, all.byteOffset, 4).getUint32(0);
      if (length > MAX_FRAME_BYTES) return 'too-large';
      if (heldBytes < 4 + length) break;
      frames.push(all.subarray(4, 4 + length));
      held = [all.subarray(4 + length)];
      heldBytes -= 4 + length;
    }
    return frames;
  }

  return { push };
}
