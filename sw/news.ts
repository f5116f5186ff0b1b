import type { Device } from '../core/engine/device.ts';
import type { PageScope } from '../core/protocol/page-messages.ts';
import type { WorkerMemory } from './memory.ts';
import type { Presence } from './presence.ts';

/** Remembers what others changed while nobody looked, for the text of the next notification (CAP34). */
export interface NewsKeeper {
  /** Follows a device that opened; returns the way to stop. */
  readonly follow: (scope: PageScope, device: Device) => () => void;
  /** Resolves when everything that came so far is remembered. */
  readonly settled: () => Promise<void>;
}

export function createNewsKeeper(memory: WorkerMemory, presence: Presence): NewsKeeper {
  let last: Promise<unknown> = Promise.resolve();

  async function note(scope: PageScope, keys: readonly string[]): Promise<void> {
    const tabs = await presence.tabs(scope);
    if (tabs.every(({ visibilityState }) => visibilityState !== 'visible')) await memory.addNews(scope, keys);
  }

  return {
    follow: (scope, { replica }) =>
      replica.follow(({ keys, origin }) => {
        // A count in a notification is worth no failure of what it counts.
        if (origin === 'remote') last = last.then(() => note(scope, keys)).catch(() => undefined);
      }),
    async settled() {
      await last;
    },
  };
}
