import { cloneStored } from '../disk/clone.ts';
import { boundToProcess, presentProcess } from '../world/process.ts';
import type { SimRandom } from '../world/random.ts';
import type { World } from '../world/world.ts';

type Listener = (event: { readonly data: unknown }) => void;

export interface SimBroadcastChannel {
  readonly postMessage: (message: unknown) => void;
  readonly addEventListener: (type: string, listener: Listener) => void;
  readonly close: () => void;
}

/** What `BroadcastChannel` is to the programs of one browser: everybody under the name hears it but the one who said it. */
export function createBroadcastChannels(world: World, random: SimRandom): new (name: string) => SimBroadcastChannel {
  const openByName = new Map<string, Set<(data: unknown) => void>>();
  return function BroadcastChannel(name: string): SimBroadcastChannel {
    const open = openByName.get(name) ?? new Set();
    openByName.set(name, open);
    const listeners: Listener[] = [];
    let lastAt = 0;
    const deliver = (data: unknown): void => {
      for (const listener of listeners) listener({ data });
    };
    open.add(deliver);
    presentProcess()?.onDeath(() => open.delete(deliver));
    return {
      postMessage(message) {
        const data = cloneStored(message);
        lastAt = Math.max(lastAt, world.now() + random.between(0.02, 2));
        for (const other of open) {
          if (other === deliver) continue;
          world.after(lastAt - world.now(), 'broadcast', () => {
            if (open.has(other)) other(data);
          });
        }
      },
      addEventListener: (type, listener) => void (type === 'message' && listeners.push(boundToProcess(listener))),
      close: () => void open.delete(deliver),
    };
  } as unknown as new (name: string) => SimBroadcastChannel;
}
