import { createHttpTransport } from '../core/engine/http-transport.ts';
import type { Device } from '../core/engine/device.ts';
import type { PageScope, PageStatus } from '../core/protocol/page-messages.ts';
import type { AccountStores, WorkerCrypto } from './account-store.ts';
import { listenFetch } from './capture/listen-fetch.ts';
import type { Shell } from './capture/shell.ts';
import { createShell } from './capture/shell.ts';
import { createUpdatesStreams } from './capture/updates-stream.ts';
import type { Devices } from './devices.ts';
import { createDevices } from './devices.ts';
import type { Alarm } from './events/background-sync.ts';
import { listenPeriodicSync } from './events/background-sync.ts';
import { listenLifeCycle } from './events/life-cycle.ts';
import { listenMessages } from './events/listen-messages.ts';
import { createPageHandlers, admitTab } from './events/page-requests.ts';
import { listenPush, pull } from './events/push.ts';
import { createHandOver } from './hand-over.ts';
import { createOpenHints, followDevice, tellReset } from './hints.ts';
import { createMemory } from './memory.ts';
import { statusToPage } from './page-answers.ts';
import { createNewsKeeper } from './news.ts';
import type { Presence } from './presence.ts';
import { createPresence } from './presence.ts';
import { createPushServer } from './push-server.ts';
import { createSender } from './sender.ts';
import { createLogRoom } from './storage/begin-log.ts';
import { createMetaStore } from './storage/meta-store.ts';
import { webClock } from './web-ports.ts';
import type { WorkerOptions } from './options.ts';
import { worker } from './global-scope.ts';

export interface WorkerEnvironment {
  readonly stores: AccountStores;
  readonly cryptography: WorkerCrypto;
  /** Makes the browser's alarm clock, which calls `ring`. */
  readonly createAlarm: (ring: () => Promise<void>) => Alarm;
}

/**
 * Wires a service worker and follows its events. Has to run while the worker's script is evaluated, before anything is
 * awaited, or the browser does not wake the worker for them. Nothing is opened before the first event needs it.
 */
export function wireWorker(options: WorkerOptions, { stores, cryptography, createAlarm }: WorkerEnvironment): void {
  const openHints = createOpenHints();
  const room = createLogRoom();
  const memory = createMemory(createMetaStore('wakelog-meta', () => presence.begin(), room));
  const presence = createPresence(memory, room);
  const news = createNewsKeeper(memory, presence);
  const isHeld = async (scope: PageScope): Promise<boolean> =>
    (await memory.wishes(scope)).updates === 'hold' && (await presence.tabs(scope)).length > 0;
  const mountUrl = `${worker.location.origin}${options.mount}`;
  const devices = createDevices({
    stores: {
      ...stores,
      async open(name, database) {
        await presence.begin();
        return stores.open(name, { ...database, room });
      },
    },
    cryptography,
    isHeld,
    transport: (scope) =>
      createHttpTransport({
        fetch: (url, init) => fetch(url, init),
        mountUrl,
        headers: async () => (await memory.wishes(scope)).headers,
        clock: webClock,
      }),
    onOpen(scope, device) {
      const stops = [followDevice(openHints, scope, device, statusOf), news.follow(scope, device)];
      return () => {
        for (const stop of stops) stop();
      };
    },
    onGone(scope) {
      // What is emptied is emptied whole.
      presence.forgetAll();
      tellReset(openHints, scope);
    },
  });
  const pushServer = createPushServer({ mount: options.mount, memory, devices });
  const handOver = createHandOver();
  const alarm = createAlarm(() => handOver.orAgain(sender.onAlarm()));
  const sender = createSender({ devices, memory, setAlarm: alarm.set });
  const shell: Shell | undefined = options.shell ? createShell(options.mount) : undefined;
  const streams = createUpdatesStreams();

  async function statusOf(device: Device): Promise<PageStatus> {
    return statusToPage(device, await pushServer.state(device.replica));
  }

  async function refreshHold(scope: PageScope): Promise<void> {
    const held = await isHeld(scope);
    await devices.use(scope, async ({ replica }) => {
      replica.hold(held);
      if (!held && (await replica.heldBack()) > 0) await replica.release();
    });
  }

  const parts = {
    options,
    devices,
    memory,
    news,
    presence,
    sender,
    pushServer,
    refreshHold,
    shell,
    statusOf,
    streams,
    handOver,
    openHints,
  };
  listenLifeCycle(parts);
  listenMessages(createPageHandlers(parts), (scope, tab) => admitTab(parts, scope, tab), handOver);
  listenFetch({ ...parts, onStream: (scope) => listenLive(devices, presence, scope) });
  listenPush(parts);
  listenPeriodicSync(async () => {
    const session = await memory.session();
    if (session !== undefined) await pull(parts, session, 'periodic');
  });
}

/** A page that reads its stream is looked at: then, and only then, a live connection to the server is worth its price. */
function listenLive(devices: Devices, presence: Presence, scope: PageScope): () => void {
  void devices.use(scope, async (device) => device.live(true)).catch(() => undefined);
  return () => {
    void stopListening(devices, presence, scope).catch(() => undefined);
  };
}

async function stopListening(devices: Devices, presence: Presence, scope: PageScope): Promise<void> {
  const tabs = await presence.tabs(scope);
  if (tabs.some(({ visibilityState }) => visibilityState === 'visible')) return;
  (await devices.peek(scope))?.live(false);
}
