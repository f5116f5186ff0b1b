import { enterWorld } from '../world/globals.ts';
import type { SimProcess } from '../world/process.ts';
import type { World } from '../world/world.ts';
import { createWorld } from '../world/world.ts';
import type { BrowserDisk } from './browser-disk.ts';
import { createBrowserDisk } from './browser-disk.ts';

/** A world with one disk, for tests of the disk alone. */
export interface TestBrowser {
  readonly world: World;
  readonly disk: BrowserDisk;
  /** Runs a program on the disk until it ends; its error is the caller's. */
  readonly run: <T>(main: () => Promise<T>, on?: BrowserDisk) => Promise<T>;
  /** Begins one, and goes on. */
  readonly start: (main: () => unknown, on?: BrowserDisk) => SimProcess;
  /** Lets virtual time pass. */
  readonly pass: (ms: number) => Promise<void>;
}

/** Whatever takes longer than this, in virtual ms, hangs. */
const PATIENCE_MS = 600_000;

export function createTestBrowser(seed: number): TestBrowser {
  const world = createWorld({ seed });
  enterWorld(world);
  const disk = createBrowserDisk({ world, name: 'disk', random: world.random.fork('disk') });

  function start(main: () => unknown, on = disk): SimProcess {
    return world.spawn({ name: 'program', globals: { indexedDB: on.indexedDB, navigator: {} } }, () => void main());
  }

  async function until(isDone: () => boolean, ms: number): Promise<void> {
    await world.run(world.now() + ms, isDone);
    const failure = world.failure();
    if (failure !== undefined) throw new Error(failure.text);
  }

  return {
    world,
    disk,
    start,
    pass: (ms) => until(() => false, ms),
    async run(main, on) {
      let outcome: { readonly value: Awaited<ReturnType<typeof main>> } | { readonly error: unknown } | undefined;
      const process = start(async () => {
        try {
          outcome = { value: await main() };
        } catch (error) {
          outcome = { error };
        }
      }, on);
      await until(() => outcome !== undefined, PATIENCE_MS);
      world.kill(process);
      if (outcome === undefined) throw new Error('it hangs');
      if ('error' in outcome) throw outcome.error;
      return outcome.value;
    },
  };
}
