import { cloneStored } from '../disk/clone.ts';
import type { WorkerCrypto } from '../../../sw/account-store.ts';
import type { WorkerOptions } from '../../../sw/options.ts';
import type { BrowserDisk } from '../disk/browser-disk.ts';
import type { PushService, SimPushManager } from '../network/push-service.ts';
import type { SimNetwork } from '../network/network.ts';
import type { SimProcess } from '../world/process.ts';
import { runAsWorld } from '../world/process.ts';
import type { SimRandom } from '../world/random.ts';
import type { World } from '../world/world.ts';
import { EPOCH_MS } from '../world/world.ts';
import { createBroadcastChannels } from './broadcast-channels.ts';
import type { SimCaches } from './caches.ts';
import { createLocks } from './locks.ts';
import { createMessageChannels } from './message-ports.ts';
import type { SimPort } from './message-ports.ts';
import type { WorkerLife } from './worker-life.ts';
import { startWorkerLife } from './worker-life.ts';

/** A tab as the worker and the browser see it. */
export class SimWindowClient {
  readonly id: string;
  readonly url: string;
  visibilityState: 'visible' | 'hidden' = 'visible';
  constructor(id: string, url: string) {
    this.id = id;
    this.url = url;
  }
  focus(): Promise<this> {
    return Promise.resolve(this);
  }
}

/** An open tab: its program, and what the browser tells it. */
export interface OpenTab {
  readonly client: SimWindowClient;
  readonly process: SimProcess;
  /** Called when another worker takes over. */
  readonly onControllerChange: () => void;
}

export interface SimBrowser {
  readonly name: string;
  readonly disk: BrowserDisk;
  /** What every program in this browser has. */
  readonly shared: Readonly<Record<string, unknown>>;
  readonly clock: { offsetMs: number; frozenAt: number | undefined };
  readonly wallClock: () => number;
  readonly isRunning: () => boolean;
  readonly openTab: (start: (client: SimWindowClient) => OpenTab) => OpenTab;
  readonly closeTab: (tab: OpenTab) => void;
  readonly tabs: () => readonly OpenTab[];
  /** A page's message; starts a worker that was stopped. */
  readonly postToWorker: (client: SimWindowClient, data: unknown, ports: readonly SimPort[]) => void;
  /** A page's request, as the worker answers it; undefined: it goes to the network. Rejects when the worker died over it. */
  readonly fetchThroughWorker: (client: SimWindowClient, request: object) => Promise<Response | undefined>;
  /** What pages and the worker subscribe with; undefined where there is none. */
  readonly pushManager: SimPushManager | undefined;
  /** The worker is stopped, as browsers do at any moment. */
  readonly stopWorker: () => void;
  /** A new version of the worker is found, installed and put in charge. */
  readonly updateWorker: () => void;
  /** Every program of the browser dies at once. Tabs are gone. */
  readonly kill: () => void;
  /** The browser starts again; no tab is open. */
  readonly start: () => void;
  readonly fireSync: () => void;
}

export interface SimBrowserOptions {
  readonly world: World;
  readonly name: string;
  readonly origin: string;
  readonly network: SimNetwork;
  readonly disk: BrowserDisk;
  readonly random: SimRandom;
  readonly options: WorkerOptions;
  readonly cryptography: WorkerCrypto;
  readonly caches: SimCaches;
  readonly hasSync: boolean;
  readonly isChromium: boolean;
  /** Undefined: a browser without push. */
  readonly push: PushService | undefined;
}

/** Browsers stop a worker that has had no event for so long, and one whose event lasts so long. */
const IDLE_MS = 30_000;
const LONGEST_EVENT_MS = 300_000;
/** A sync event that failed is sent again so much later, so often in all. */
const SYNC_AGAIN_MS = 300_000;
const SYNC_ATTEMPTS = 3;

/** So many pages hear of a new version late: they are busy, or in the background. */
const IS_BUSY = 0.3;

/** One browser profile on one machine: its worker's lives, its tabs, and what they share. */
export function createSimBrowser(parts: SimBrowserOptions): SimBrowser {
  const { world, name, origin, network, disk, random } = parts;
  const clock = { offsetMs: 0, frozenAt: undefined as number | undefined };
  const wallClock = (): number => clock.frozenAt ?? EPOCH_MS + world.now() + clock.offsetMs;
  const tabs = new Map<string, OpenTab>();
  /** Pages that still speak with the version before: each hears of the new one in its own time. */
  const controllers = new Map<string, WorkerLife>();
  let running = true;
  let [version, clientCount, session] = [1, 0, 0];
  let active: WorkerLife | undefined;
  /** In charge, being installed, or in charge before and not ended yet. */
  const lives = new Set<WorkerLife>();
  let installing: WorkerLife | undefined;
  let stopIdle = (): void => {};
  const pendingSyncs = new Map<string, number>();
  const shared: Record<string, unknown> = {
    fetch: network.fetchFor(name, origin),
    indexedDB: disk.indexedDB,
    caches: parts.caches.storage,
    // As Chromium has it: by this it is known.
    navigator: { locks: createLocks(world, random.fork('locks')), ...(parts.isChromium ? { userAgentData: {} } : {}) },
    BroadcastChannel: createBroadcastChannels(world, random.fork('broadcast')),
    MessageChannel: createMessageChannels(world, random.fork('ports')),
    WindowClient: SimWindowClient,
  };

  const pushManager = parts.push?.managerFor({
    name,
    deliver: () => inBrowser('push', 0, () => void dispatch('push', { data: null })),
    changed: (old) => inBrowser('pushsubscriptionchange', 0, () => void dispatch('pushsubscriptionchange', { oldSubscription: old, newSubscription: null })),
  });

  function startLife(ofVersion: number): WorkerLife {
    const life = startWorkerLife(ofVersion, {
      world,
      name: `${name}/worker-${ofVersion}`,
      origin,
      clock: wallClock,
      options: parts.options,
      cryptography: parts.cryptography,
      shared,
      hasSync: parts.hasSync,
      registration: {
        installing: () => installing ?? null,
        waiting: () => null,
        registerSync,
        pushManager,
        showNotification: () => world.trace(`${name} shows a notification`),
      },
      clients: {
        matchAll: () => [...tabs.values()].map(({ client }) => client),
        claim: () => undefined,
        openWindow: () => undefined,
      },
      skipWaiting: () => undefined,
    });
    lives.add(life);
    life.process.onDeath(() => lives.delete(life));
    return life;
  }

  /** The worker in charge, started when it was stopped. */
  function worker(): WorkerLife {
    if (active === undefined || !active.process.isAlive()) active = startLife(version);
    return active;
  }

  /** Dispatches an event to the worker in charge; its life lasts at least until then, unless something kills it. */
  async function dispatch(type: string, fields: object, onResponse?: (response: Promise<unknown>) => void, life: WorkerLife = worker()): Promise<string> {
    if (life === active) stopIdle();
    const cutOff = world.after(LONGEST_EVENT_MS, 'event takes too long', () => world.kill(life.process));
    const outcome = await life.dispatch(type, fields, onResponse);
    cutOff();
    if (life === active && life.busy() === 0) {
      stopIdle();
      stopIdle = world.after(IDLE_MS, 'worker is idle', () => world.kill(life.process));
    }
    return outcome;
  }

  /** Whom a page speaks with. */
  function controllerOf({ id }: SimWindowClient): WorkerLife {
    const known = controllers.get(id);
    if (known?.process.isAlive() === true) return known;
    controllers.delete(id);
    return worker();
  }

  /** What the browser does later, unless it is killed before. */
  function inBrowser(label: string, delayMs: number, task: () => void): void {
    const now = session;
    world.after(delayMs, label, () => {
      if (running && session === now) task();
    });
  }

  function registerSync(tag: string): void {
    runAsWorld(() => {
      if (pendingSyncs.has(tag)) return;
      pendingSyncs.set(tag, 0);
      inBrowser('sync is due', random.between(5, 2_000), () => ringSync(tag));
    });
  }

  function ringSync(tag: string): void {
    const attempts = pendingSyncs.get(tag);
    if (attempts === undefined) return;
    // The browser waits for a network before it rings.
    if (network.isPartitioned(name, origin)) return inBrowser('sync waits for a network', random.between(500, 20_000), () => ringSync(tag));
    pendingSyncs.delete(tag);
    void dispatch('sync', { tag, lastChance: attempts + 1 >= SYNC_ATTEMPTS }).then((outcome) => {
      if (outcome === 'done' || attempts + 1 >= SYNC_ATTEMPTS || pendingSyncs.has(tag)) return;
      pendingSyncs.set(tag, attempts + 1);
      inBrowser('sync again', SYNC_AGAIN_MS, () => ringSync(tag));
    });
  }

  function updateWorker(): void {
    if (installing !== undefined || !running) return;
    const old = worker();
    const fresh = startLife(version + 1);
    installing = fresh;
    old.tellRegistration('updatefound');
    void fresh.dispatch('install', {}).then((outcome) => {
      if (outcome !== 'done' || !fresh.process.isAlive()) {
        if (installing === fresh) installing = undefined;
        return;
      }
      // The browser waits for the old one to be idle; some do not wait for long, and both live for a while.
      const patience = random.between(1, 5_000);
      let taken = false;
      const takeOver = (): void => {
        if (taken || installing !== fresh) return;
        taken = true;
        installing = undefined;
        if (!fresh.process.isAlive() || !running) return;
        version += 1;
        active = fresh;
        world.after(random.between(0, 3_000), 'old version ends', () => world.kill(old.process));
        void dispatch('activate', {});
        for (const tab of tabs.values()) {
          controllers.set(tab.client.id, old);
          inBrowser('controllerchange', random.chance(IS_BUSY) ? random.between(30, 3_000) : random.between(0.1, 30), () => {
            controllers.delete(tab.client.id);
            tab.onControllerChange();
          });
        }
      };
      old.onIdle(takeOver);
      inBrowser('take-over', patience, takeOver);
    });
  }

  function kill(): void {
    running = false;
    parts.push?.setOnline(name, false);
    stopIdle();
    for (const { process } of tabs.values()) world.kill(process);
    tabs.clear();
    controllers.clear();
    for (const { process } of lives) world.kill(process);
    active = undefined;
    installing = undefined;
  }

  return {
    name,
    disk,
    shared,
    clock,
    wallClock,
    isRunning: () => running,
    openTab(start) {
      const client = new SimWindowClient(`${name}-tab-${clientCount++}`, `${origin}/`);
      const tab = start(client);
      tabs.set(client.id, tab);
      tab.process.onDeath(() => tabs.delete(client.id));
      return tab;
    },
    closeTab: (tab) => world.kill(tab.process),
    tabs: () => [...tabs.values()],
    postToWorker(client, data, ports) {
      const copy = cloneStored(data);
      runAsWorld(() =>
        inBrowser('message', random.between(0.05, 3), () => void dispatch('message', { data: copy, ports, source: client }, undefined, controllerOf(client))),
      );
    },
    fetchThroughWorker: (client, request) =>
      new Promise((resolve, reject) => {
        runAsWorld(() =>
          inBrowser('fetch event', random.between(0.05, 3), () => {
            let answered = false;
            const onResponse = (response: Promise<unknown>): void => {
              answered = true;
              runAsWorld(() => void response.then((value) => resolve(value as Response), reject));
            };
            void dispatch('fetch', { request, clientId: client.id }, onResponse, controllerOf(client)).then((outcome) => {
              if (outcome === 'died') reject(new TypeError('the worker was stopped'));
              else if (!answered) resolve(undefined);
            });
          }),
        );
      }),
    pushManager,
    stopWorker() {
      if (active !== undefined) world.kill(active.process);
    },
    updateWorker,
    kill,
    start() {
      disk.start();
      running = true;
      session += 1;
      parts.push?.setOnline(name, true);
      // An alarm outlives the browser's programs.
      for (const tag of pendingSyncs.keys()) inBrowser('sync after a start', random.between(100, 5_000), () => ringSync(tag));
    },
    fireSync: () => void dispatch('sync', { tag: 'wakelog', lastChance: false }),
  };
}
