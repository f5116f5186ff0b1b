import { boundToProcess, presentProcess } from '../world/process.ts';
import type { SimRandom } from '../world/random.ts';
import type { World } from '../world/world.ts';

/** `navigator.locks` as far as it is used: one holder of a name at a time in a browser; the dead hold nothing. */
export interface SimLocks {
  readonly request: <T>(name: string, body: () => Promise<T>) => Promise<T>;
}

interface Waiting {
  readonly grant: () => void;
  readonly isAlive: () => boolean;
}

/** So often a browser that is busy takes its time to hand a lock over. */
const SLOW_CHANCE = 0.1;

export function createLocks(world: World, random: SimRandom): SimLocks {
  const queueByName = new Map<string, { held: boolean; readonly waiting: Waiting[] }>();

  function next(name: string): void {
    const queue = queueByName.get(name);
    if (queue === undefined) return;
    queue.held = false;
    const first = queue.waiting.shift();
    if (first === undefined) queueByName.delete(name);
    else if (!first.isAlive()) next(name);
    else {
      queue.held = true;
      world.after(random.chance(SLOW_CHANCE) ? random.between(0.3, 40) : random.between(0.01, 0.3), 'lock', () => (first.isAlive() ? first.grant() : next(name)));
    }
  }

  return {
    request<T>(name: string, body: () => Promise<T>): Promise<T> {
      const process = presentProcess();
      const queue = queueByName.get(name) ?? { held: false, waiting: [] };
      queueByName.set(name, queue);
      return new Promise<T>((resolve, reject) => {
        let released = false;
        const release = (): void => {
          if (!released) next(name);
          released = true;
        };
        const run = boundToProcess(() => {
          process?.onDeath(release);
          Promise.resolve()
            .then(body)
            .then(resolve, reject)
            .finally(release)
            .catch(() => undefined);
        });
        queue.waiting.push({ grant: run, isAlive: () => process?.isAlive() ?? true });
        if (!queue.held) next(name);
      });
    },
  };
}
