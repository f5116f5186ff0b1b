import type { SimRandom } from '../../world/random.ts';
import type { World } from '../../world/world.ts';
import type { Plan } from './plan.ts';

/** How a body's bytes travel. */
export interface PipeShape extends Pick<Plan, 'drip' | 'shredMs'> {
  /** Of the next piece, ms. */
  readonly delayMs: (bytes: number) => number;
}

export interface PipeOptions {
  readonly world: World;
  readonly random: SimRandom;
  readonly label: string;
  readonly shape: PipeShape;
  /** Nothing arrives before, ms from now: the head of the answer. */
  readonly firstMs: number;
  /** Asked at each delivery: false while nothing comes through. What would have come then is lost, and so is the rest. */
  readonly passes: () => boolean;
  /** Its end has arrived, good or bad: the network has nothing more to do with it. */
  readonly onSettled: () => void;
  /** The reader took a piece. */
  readonly onRead: () => void;
}

export type Piece = { readonly done: boolean; readonly value?: Uint8Array | undefined };

/** A body on its way: pieces are written at one end, travel in order, and are read at the other. */
export interface Pipe {
  readonly write: (piece: Uint8Array) => void;
  /** Ends it, behind what was written. */
  readonly end: (error?: Error) => void;
  /** Ends it for the reader, now; what is on its way is lost. */
  readonly breakOff: (error: unknown) => void;
  /** The reader wants no more: for it, that is the end. */
  readonly cancel: () => void;
  /** Nothing comes out any more, for ever. */
  readonly mute: () => void;
  /** Written and not read, bytes. */
  readonly unread: () => number;
  readonly read: () => Promise<Piece>;
  readonly isSettled: () => boolean;
}

type Ending = { readonly error: unknown } | 'complete';

interface InFlight {
  piece: Uint8Array | undefined;
  readonly ending: Ending | undefined;
  at: number;
}

interface Waiter {
  readonly resolve: (piece: Piece) => void;
  readonly reject: (error: unknown) => void;
}

export function createPipe(options: PipeOptions): Pipe {
  const { world, random, label, shape, passes, onSettled, onRead } = options;
  const inFlight: InFlight[] = [];
  const arrived: Uint8Array[] = [];
  const waiters: Waiter[] = [];
  let [unread, lastAt] = [0, world.now() + options.firstMs];
  let [isMute, isSettled, isPumping] = [false, false, false];
  let ending: Ending | undefined;

  function send(item: Omit<InFlight, 'at'>, delayMs: number): void {
    lastAt = Math.max(lastAt, world.now() + delayMs);
    inFlight.push({ ...item, at: lastAt });
    pump();
  }

  function pump(): void {
    const [head] = inFlight;
    if (isPumping || isMute || head === undefined) return;
    isPumping = true;
    world.after(head.at - world.now(), label, () => {
      isPumping = false;
      if (isMute) return;
      if (passes()) arrive();
      else isMute = true;
      pump();
    });
  }

  function arrive(): void {
    const [head] = inFlight;
    if (head?.piece === undefined) return deliverDue();
    if (shape.drip !== undefined && head.piece.length > shape.drip.pieceBytes) {
      return split(head, shape.drip.pieceBytes, shape.drip.everyMs);
    }
    if (shape.shredMs === undefined) return deliverDue();
    const laterMs = 1 + random.next() * shape.shredMs;
    const choice = random.int(5);
    if (choice < 2 && head.piece.length > 1) split(head, cutAt(head.piece.length), laterMs);
    else if (choice === 2 && inFlight[1]?.piece !== undefined) join(head, inFlight[1].piece);
    else if (choice === 3) delay(laterMs);
    else deliverDue();
  }

  /** Anywhere, and often within the first bytes, where lengths are. */
  function cutAt(length: number): number {
    return 1 + random.int(Math.min(length - 1, random.chance(0.5) ? 8 : length));
  }

  function split(head: InFlight, at: number, laterMs: number): void {
    const piece = head.piece as Uint8Array;
    deliver(piece.subarray(0, at));
    head.piece = piece.subarray(at);
    delay(laterMs);
  }

  function join(head: InFlight, next: Uint8Array): void {
    const joined = new Uint8Array((head.piece?.length ?? 0) + next.length);
    joined.set(head.piece ?? next);
    joined.set(next, head.piece?.length ?? 0);
    (inFlight[1] as InFlight).piece = joined;
    inFlight.shift();
  }

  /** The first piece, and so all behind it: nothing overtakes within a connection. */
  function delay(laterMs: number): void {
    const earliest = world.now() + laterMs;
    for (const item of inFlight) item.at = Math.max(item.at, earliest);
    lastAt = Math.max(lastAt, earliest);
  }

  function deliverDue(): void {
    const head = inFlight.shift();
    if (head?.piece !== undefined) deliver(head.piece);
    else if (head?.ending !== undefined) finish(head.ending);
    const next = inFlight[0];
    const isWhole = shape.shredMs === undefined && shape.drip === undefined;
    if (isWhole && next !== undefined && next.at <= world.now()) deliverDue();
  }

  function deliver(piece: Uint8Array): void {
    if (ending !== undefined) return;
    const waiter = waiters.shift();
    if (waiter === undefined) arrived.push(piece);
    else hand(waiter, piece);
  }

  function hand({ resolve }: Waiter, piece: Uint8Array): void {
    unread -= piece.length;
    resolve({ done: false, value: piece });
    onRead();
  }

  function finish(how: Ending): void {
    if (ending !== undefined) return;
    ending = how;
    for (const waiter of waiters.splice(0)) conclude(waiter, how);
    isSettled = true;
    onSettled();
  }

  function conclude({ resolve, reject }: Waiter, how: Ending): void {
    if (how === 'complete') resolve({ done: true, value: undefined });
    else reject(how.error);
  }

  function drop(): void {
    inFlight.length = 0;
    arrived.length = 0;
  }

  return {
    write(piece) {
      if (ending !== undefined || piece.length === 0) return;
      unread += piece.length;
      if (isMute) return;
      send({ piece, ending: undefined }, shape.delayMs(piece.length));
    },
    end(error) {
      send({ piece: undefined, ending: error === undefined ? 'complete' : { error } }, shape.delayMs(0));
    },
    breakOff(error) {
      drop();
      finish({ error });
    },
    cancel() {
      drop();
      finish('complete');
    },
    mute() {
      isMute = true;
    },
    unread: () => unread,
    read: () =>
      new Promise((resolve, reject) => {
        const waiter = { resolve, reject };
        const piece = arrived.shift();
        if (piece !== undefined) hand(waiter, piece);
        else if (ending !== undefined) conclude(waiter, ending);
        else waiters.push(waiter);
      }),
    isSettled: () => isSettled,
  };
}
