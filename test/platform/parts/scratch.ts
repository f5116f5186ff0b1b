import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { killTreeNow } from './processes.ts';

/**
 * Everything one test made, put away in reverse order at its end: folders removed, servers and browsers closed.
 * What a crashed or interrupted run leaves is put away when the process exits.
 */
export interface Scratch {
  /** A new empty folder under the system's temporary folder. */
  folder(name: string): string;
  /** Remembers how to put `thing` away and returns it. `end` must bear being called for a thing that has ended already. */
  use<Thing>(thing: Thing, end: (thing: Thing) => Promise<unknown> | void): Thing;
  end(): Promise<void>;
}

const foldersToRemove = new Set<string>();
const livePids = new Set<number>();

export function createScratch(): Scratch {
  const endings: (() => Promise<unknown> | void)[] = [];
  return {
    folder(name) {
      const path = mkdtempSync(join(tmpdir(), `wakelog-${name}-`));
      foldersToRemove.add(path);
      endings.push(() => removeFolder(path));
      return path;
    },
    use(thing, end) {
      endings.push(() => end(thing));
      return thing;
    },
    async end() {
      const failures: unknown[] = [];
      for (const ending of endings.splice(0).toReversed()) {
        try {
          await ending();
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw new AggregateError(failures, 'scratch could not be put away');
    },
  };
}

/** Ends the process and its descendants when this one exits. Returns how to forget it, once it has ended. */
export function endWithUs(pid: number): () => void {
  livePids.add(pid);
  return () => livePids.delete(pid);
}

function removeFolder(path: string): void {
  // A browser that just ended may still be writing: rmSync retries ENOTEMPTY and EBUSY.
  rmSync(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  foldersToRemove.delete(path);
}

process.on('exit', () => {
  for (const pid of livePids) killTreeNow(pid);
  for (const path of foldersToRemove) removeFolder(path);
});
