import { cloneStored } from '../disk/clone.ts';
import { boundToProcess } from '../world/process.ts';
import type { SimRandom } from '../world/random.ts';
import type { World } from '../world/world.ts';

type Listener = (event: { readonly data: unknown }) => void;

/** As much of a MessagePort as pages and workers use. */
export interface SimPort {
  readonly postMessage: (message: unknown) => void;
  readonly addEventListener: (type: string, listener: Listener) => void;
  readonly start: () => void;
  readonly close: () => void;
}

export interface SimChannel {
  readonly port1: SimPort;
  readonly port2: SimPort;
}

/** What `MessageChannel` is to the programs of a machine. Messages of a port keep their order. */
export function createMessageChannels(world: World, random: SimRandom): new () => SimChannel {
  function pair(): SimChannel {
    const ends = [createEnd(), createEnd()] as const;
    let lastAt = 0;
    const port = (own: End, other: End): SimPort => ({
      postMessage(message) {
        const data = cloneStored(message);
        lastAt = Math.max(lastAt, world.now() + random.between(0.02, 1));
        world.after(lastAt - world.now(), 'port message', () => other.deliver(data));
      },
      addEventListener: (type, listener) => void (type === 'message' && own.listen(boundToProcess(listener))),
      start: own.start,
      close: own.close,
    });
    return { port1: port(ends[0], ends[1]), port2: port(ends[1], ends[0]) };
  }
  return function MessageChannel() {
    return pair();
  } as unknown as new () => SimChannel;
}

interface End {
  readonly deliver: (data: unknown) => void;
  readonly listen: (listener: Listener) => void;
  readonly start: () => void;
  readonly close: () => void;
}

function createEnd(): End {
  const listeners: Listener[] = [];
  const early: unknown[] = [];
  let [started, closed] = [false, false];
  const tell = (data: unknown): void => {
    for (const listener of listeners) listener({ data });
  };
  return {
    deliver(data) {
      if (closed) return;
      if (started) tell(data);
      else early.push(data);
    },
    listen: (listener) => void listeners.push(listener),
    start() {
      started = true;
      for (const data of early.splice(0)) tell(data);
    },
    close() {
      closed = true;
    },
  };
}
