import type { SimProcess } from '../../world/process.ts';
import { runAs } from '../../world/process.ts';
import type { World } from '../../world/world.ts';
import type { SimResponse, SimSink } from '../http.ts';
import type { Link } from './link.ts';
import { crossingMs } from './link.ts';
import { noAnswer } from './connection.ts';
import type { Pipe } from './pipe.ts';

export interface ServerEndOptions {
  readonly world: World;
  readonly link: Link;
  readonly process: SimProcess;
  /** Nothing that the other end does is seen here any more. */
  readonly isSilent: () => boolean;
}

/** The server's end of a streamed body. */
export interface ServerEnd {
  readonly run: (body: Exclude<SimResponse['body'], Uint8Array>) => Promise<void>;
  /** Where the pieces go; until then, nowhere. */
  readonly attach: (pipe: Pipe) => void;
  /** The reader has taken a piece. */
  readonly onRead: () => void;
  /** The reader is gone, which the server hears when the news has crossed, or much later. */
  readonly stop: () => void;
}

/** What is written and not read before the writer has to wait. */
const HIGH_WATER_BYTES = 65_536;
/** A connection whose other end acknowledges nothing is given up by the system after about so long. */
const GIVEN_UP_AFTER_MS = 900_000;

export function createServerEnd({ world, link, process, isSilent }: ServerEndOptions): ServerEnd {
  let [isStopping, isStopped, isWaking] = [false, false, false];
  let pipe: Pipe | undefined;
  let resolveStopped = (): void => {};
  const stopped = new Promise<void>((resolve) => {
    resolveStopped = resolve;
  });
  const waiting: (() => void)[] = [];

  const isFull = (): boolean => !isStopped && pipe !== undefined && pipe.unread() >= HIGH_WATER_BYTES;

  function wake(): void {
    for (const resolve of waiting.splice(0)) resolve();
  }

  const sink: SimSink = {
    write(piece) {
      link.traffic.down += piece.length;
      if (!isStopped && process.isAlive()) pipe?.write(piece);
      return !isFull();
    },
    drained: () =>
      new Promise((resolve) => {
        if (isFull()) waiting.push(resolve);
        else resolve();
      }),
    isStalled: isFull,
  };

  return {
    attach(to) {
      pipe = to;
    },
    async run(body) {
      try {
        await runAs(process, () => body(sink, stopped));
        if (process.isAlive()) pipe?.end();
      } catch (error) {
        world.trace(`${link.name} stream failed: ${String(error)}`);
        if (process.isAlive()) pipe?.end(noAnswer('connection reset'));
      }
    },
    onRead() {
      if (waiting.length === 0 || isWaking || isFull()) return;
      isWaking = true;
      world.after(
        crossingMs(link, 0),
        link.name,
        () => {
          isWaking = false;
          if (!isFull()) wake();
        },
        process,
      );
    },
    stop() {
      if (isStopping) return;
      isStopping = true;
      const delayMs = isSilent() || link.partition !== undefined ? GIVEN_UP_AFTER_MS : crossingMs(link, 0);
      world.after(
        delayMs,
        link.name,
        () => {
          isStopped = true;
          resolveStopped();
          wake();
        },
        process,
      );
    },
  };
}
