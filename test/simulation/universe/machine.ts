import type { PageScope } from '../../../core/protocol/page-messages.ts';
import type { CachesSnapshot, SimCaches } from '../browser/caches.ts';
import { createCaches } from '../browser/caches.ts';
import type { SimBrowser } from '../browser/sim-browser.ts';
import { createSimBrowser } from '../browser/sim-browser.ts';
import type { SimTab } from '../browser/sim-tab.ts';
import { openSimTab } from '../browser/sim-tab.ts';
import type { BrowserDisk } from '../disk/browser-disk.ts';
import type { DiskSnapshot } from '../disk/snapshot.ts';
import type { SimNetwork } from '../network/network.ts';
import type { PushService } from '../network/push-service.ts';
import type { Scale } from '../plan/plan.ts';
import type { SimRandom } from '../world/random.ts';
import type { SimCrypto } from '../world/sim-crypto.ts';
import type { World } from '../world/world.ts';
import { ORIGIN, workerCryptography, workerOptions } from '../workload/worker-options.ts';

/** Somebody's computer or phone: one browser profile of one account in one space. */
export interface Machine {
  readonly name: string;
  readonly scope: PageScope;
  readonly browser: SimBrowser;
  readonly disk: BrowserDisk;
  readonly caches: SimCaches;
  readonly random: SimRandom;
  readonly openTab: () => SimTab;
  readonly openTabs: () => readonly SimTab[];
  /** A copy of the profile that was put aside. */
  saved: SavedProfile | undefined;
}

export interface SavedProfile {
  readonly disk: DiskSnapshot;
  readonly caches: CachesSnapshot;
}

export interface MachineParts {
  readonly world: World;
  readonly network: SimNetwork;
  readonly push: PushService;
  readonly cryptography: SimCrypto;
  readonly name: string;
  readonly scope: PageScope;
  readonly scale: Scale;
  readonly isChromium: boolean;
  readonly disk: BrowserDisk;
}

export function createMachine({ world, network, push, cryptography, name, scope, scale, isChromium, disk }: MachineParts): Machine {
  const random = world.random.fork(name);
  const caches = createCaches(world, random.fork('caches'));
  const tabs: SimTab[] = [];
  const browser = createSimBrowser({
    world,
    name,
    origin: ORIGIN,
    network,
    disk,
    caches,
    random: random.fork('browser'),
    options: workerOptions(scope.space),
    cryptography: workerCryptography(cryptography),
    hasSync: scale.hasSync,
    isChromium,
    push: scale.push ? push : undefined,
  });
  return {
    name,
    scope,
    browser,
    disk,
    caches,
    random,
    openTab() {
      const tab = openSimTab({ world, browser, scope, updates: scale.updates });
      tabs.push(tab);
      return tab;
    },
    openTabs: () => tabs.filter((tab) => tab.isOpen()),
    saved: undefined,
  };
}
