import type { WorkerCrypto } from '../../../sw/account-store.ts';
import type { WorkerOptions } from '../../../sw/options.ts';
import { wireWorker } from '../../../sw/start-worker.ts';
import { deleteIndexedDbStore, openIndexedDbStore } from '../../../sw/storage/indexeddb-store.ts';
import type { SimProcess } from '../world/process.ts';
import type { World } from '../world/world.ts';
import type { EventsUnderWay } from './worker-scope.ts';
import { createEventsUnderWay, createEventTarget } from './worker-scope.ts';

/** One life of one version of a service worker: from the evaluation of its script until it is stopped. */
export interface WorkerLife {
  readonly version: number;
  readonly process: SimProcess;
  readonly dispatch: EventsUnderWay['dispatch'];
  /** Events it has not ended yet. */
  readonly busy: () => number;
  /** Calls back once no event is under way. */
  readonly onIdle: (task: () => void) => void;
  /** Its registration's own events: `updatefound`. */
  readonly tellRegistration: (type: string) => void;
}

/** What a life is given by its browser. */
export interface WorkerSurroundings {
  readonly world: World;
  readonly name: string;
  readonly origin: string;
  readonly clock: () => number;
  readonly options: WorkerOptions;
  readonly cryptography: WorkerCrypto;
  /** Of the browser, for every program in it: `fetch`, `indexedDB`, `navigator`, … */
  readonly shared: Readonly<Record<string, unknown>>;
  readonly hasSync: boolean;
  readonly registration: {
    readonly installing: () => object | null;
    readonly waiting: () => object | null;
    readonly registerSync: (tag: string) => void;
    readonly pushManager: object | undefined;
    readonly showNotification: () => void;
  };
  readonly clients: {
    readonly matchAll: () => readonly object[];
    readonly claim: () => void;
    readonly openWindow: (url: string) => void;
  };
  readonly skipWaiting: () => void;
}

/** Evaluates the worker's script: the real one, wired as in a browser, with the simulation's cryptography. */
export function startWorkerLife(version: number, around: WorkerSurroundings): WorkerLife {
  const { world, registration, clients } = around;
  const scope = createEventTarget();
  const registered = createEventTarget();
  const registrationObject = {
    scope: `${around.origin}/`,
    get installing() {
      return registration.installing();
    },
    get waiting() {
      return registration.waiting();
    },
    active: {},
    addEventListener: registered.addEventListener,
    ...(registration.pushManager === undefined ? {} : { pushManager: registration.pushManager }),
    showNotification: async () => registration.showNotification(),
    getNotifications: async () => [],
    ...(around.hasSync ? { sync: { register: async (tag: string) => registration.registerSync(tag) } } : {}),
  };
  const globals = {
    ...around.shared,
    addEventListener: scope.addEventListener,
    registration: registrationObject,
    location: new URL(`${around.origin}/wakelog/sw.js`),
    clients: {
      matchAll: async () => clients.matchAll(),
      claim: async () => clients.claim(),
      openWindow: async (url: string) => clients.openWindow(url),
    },
    skipWaiting: async () => around.skipWaiting(),
  };
  let process: SimProcess | undefined;
  const events = createEventsUnderWay(() => process as SimProcess, scope);
  // Its script runs while it is spawned; the process itself is at hand only afterwards, and no event comes before.
  process = world.spawn({ name: around.name, globals, clock: around.clock }, () =>
    wireWorker(around.options, {
      stores: { open: openIndexedDbStore, remove: deleteIndexedDbStore },
      cryptography: around.cryptography,
      createAlarm: (ring) => createSimAlarm(ring, scope.addEventListener, around.hasSync ? registration.registerSync : undefined),
    }),
  );
  return {
    version,
    process,
    dispatch: events.dispatch,
    busy: events.count,
    onIdle: events.onIdle,
    tellRegistration: (type) => registered.tell(type, { type }),
  };
}

const ALARM = 'wakelog';

/** The browser's alarm without workbox around it, whose queues cannot be made twice in one OS process. */
function createSimAlarm(
  ring: () => Promise<void>,
  listen: (type: string, listener: (event: object) => void) => void,
  register: ((tag: string) => void) | undefined,
): { readonly set: () => Promise<void> } {
  let isSet = false;
  listen('sync', (event) => {
    isSet = false;
    (event as { readonly waitUntil: (work: Promise<void>) => void }).waitUntil(ring());
  });
  // As workbox does where there is no Background Sync: rung at each start.
  if (register === undefined) void Promise.resolve().then(() => ring().catch(() => undefined));
  return {
    async set() {
      if (isSet) return;
      isSet = true;
      register?.(ALARM);
    },
  };
}
