import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Bytes } from '../../core/log/bytes.ts';
import { concat } from '../../core/log/bytes.ts';
import { WakelogError } from '../../core/protocol/errors.ts';
import { ClientGone } from './replies.ts';

/** How much of request bodies the server holds in memory, over all requests, until each is answered (CAP2). */
export const MAX_BODIES_BYTES = 67_108_864;
/** Without a byte for so long, or not whole after so long, a body is given up. */
const BODY_IDLE_MS = 15_000;
const BODY_TOTAL_MS = 120_000;

export interface BodyReader {
  /**
   * The whole body. Throws `too-large`, `unsupported-media-type` for a compressed one (a small bomb could unfold to
   * anything), and `busy` when the server holds enough already or the sender is too slow.
   */
  readonly read: (request: IncomingMessage, response: ServerResponse, maxBytes: number) => Promise<Bytes>;
  readonly heldBytes: () => number;
}

export interface BodyLimits {
  readonly totalBytes?: number;
  readonly idleMs?: number;
  readonly totalMs?: number;
}

interface Lease {
  /** Throws `busy` when so much in all does not fit any more. */
  readonly grow: (toBytes: number) => void;
  readonly end: () => void;
}

export function createBodyReader({
  totalBytes = MAX_BODIES_BYTES,
  idleMs = BODY_IDLE_MS,
  totalMs = BODY_TOTAL_MS,
}: BodyLimits = {}): BodyReader {
  let heldBytes = 0;

  async function read(request: IncomingMessage, response: ServerResponse, maxBytes: number): Promise<Bytes> {
    const encoding = request.headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity') {
      throw new WakelogError('unsupported-media-type', 'compressed bodies are not taken');
    }
    if (request.readableEnded)
      throw new Error('a body parser read this request first: the app has to use wakelog before it');
    const announced = Number(request.headers['content-length'] ?? 0);
    if (announced > maxBytes) throw new WakelogError('too-large', `a body here has at most ${maxBytes} bytes`);
    // Reserved before the first byte is read, so that many announced bodies cannot fill the memory together.
    const lease = createLease(announced);
    response.once('close', lease.end);
    return collect(request, announced, maxBytes, lease);
  }

  function createLease(announced: number): Lease {
    let bytes = 0;
    function grow(toBytes: number): void {
      const more = toBytes - bytes;
      if (more <= 0) return;
      if (heldBytes + more > totalBytes) throw new WakelogError('busy', 'the server holds too many request bodies now');
      bytes += more;
      heldBytes += more;
    }
    grow(announced);
    return {
      grow,
      end() {
        heldBytes -= bytes;
        bytes = 0;
      },
    };
  }

  function collect(request: IncomingMessage, announced: number, maxBytes: number, lease: Lease): Promise<Bytes> {
    return new Promise((resolve, reject) => {
      const pieces = createPieces(announced);
      const tooSlow = (): void => settle(() => reject(new WakelogError('busy', 'the request body came too slowly')));
      let idle = setTimeout(tooSlow, idleMs);
      const total = setTimeout(tooSlow, totalMs);
      function settle(how: () => void): void {
        clearTimeout(idle);
        clearTimeout(total);
        request.off('data', onPiece).off('end', onEnd).off('close', onClose).off('error', onClose);
        how();
      }
      function onPiece(piece: Uint8Array): void {
        clearTimeout(idle);
        idle = setTimeout(tooSlow, idleMs);
        try {
          const length = pieces.length() + piece.length;
          if (length > maxBytes) throw new WakelogError('too-large', `a body here has at most ${maxBytes} bytes`);
          lease.grow(length);
        } catch (error) {
          settle(() => reject(error));
          return;
        }
        pieces.add(piece);
      }
      const onEnd = (): void => settle(() => resolve(pieces.whole()));
      const onClose = (): void => settle(() => reject(new ClientGone()));
      request.on('data', onPiece).on('end', onEnd).on('close', onClose).on('error', onClose);
    });
  }

  return { read, heldBytes: () => heldBytes };
}

interface Pieces {
  readonly length: () => number;
  readonly add: (piece: Uint8Array) => void;
  readonly whole: () => Bytes;
}

/** Pieces go straight to their place when the length was announced (HTTP lets no more through); else they are joined at the end. */
function createPieces(announced: number): Pieces {
  const place = new Uint8Array(announced);
  const loose: Bytes[] = [];
  let length = 0;
  return {
    length: () => length,
    add(piece) {
      if (announced > 0) place.set(piece, length);
      else loose.push(new Uint8Array(piece));
      length += piece.length;
    },
    whole: () => (announced > 0 ? place.subarray(0, length) : concat(...loose)),
  };
}
