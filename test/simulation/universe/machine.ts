import type { PageScope } from '../../../core/protocol/page-messages.ts';
import type { CachesSnapshot, SimCaches } from '../browser/caches.ts';
import { createCaches } from '../browser/caches.ts';
import type { SimBrowser } from '../browser/sim-browser.ts';
import { createSimBrowser } from '../browser/sim-browser.ts';
import type { SimTab } from '../browser/sim-tab.ts';
import { openSimTab } from '../browser/sim-tab.ts';
import type { BrowserDisk } from '../disk/browser-disk.ts';
import type { DiskSnapshot } from '../disk/snapshot.ts';
import type { Scale } from '../plan/plan.ts';
import type { SimRandom } from '../world/random.ts';
import { ORIGIN, workerCryptography, workerOptions } from '../workload/worker-options.ts';
import type { Universe } from './universe.ts';

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
  readonly universe: Omit<Universe, 'machines'>;
  readonly name: string;
  readonly scope: PageScope;
  readonly scale: Scale;
  readonly disk: BrowserDisk;
}

export function createMachine({ universe, name, scope, scale, disk }: MachineParts): Machine {
  const { world, network, push } = universe;
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
    cryptography: workerCryptography(universe.cryptography),
    hasSync: scale.hasSync,
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
