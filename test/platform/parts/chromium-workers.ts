import type { CdpPipe } from './cdp-pipe.ts';
import { openPage } from './chromium-page.ts';
import type { ChromiumPage } from './chromium-page.ts';

export interface ChromiumWorker {
  readonly scope: string;
  readonly registrationId: string;
  readonly versionId: string;
  readonly status: 'new' | 'installing' | 'installed' | 'activating' | 'activated' | 'redundant';
  readonly running: 'stopped' | 'starting' | 'running' | 'stopping';
}

/**
 * Chromium's service workers, seen and stopped without attaching to any. The ServiceWorker domain lives in page sessions,
 * so each of these opens a blank page and closes it again.
 */
export interface ChromiumWorkers {
  list(): Promise<ChromiumWorker[]>;
  /** Waits until one worker version is like this; it is told of changes, it does not ask. */
  until(matches: (worker: ChromiumWorker) => boolean, withinMs?: number): Promise<ChromiumWorker>;
  /** Stops every running worker, in mid-event too; returns when none runs. */
  stopAll(): Promise<void>;
  /** A push event with this payload, without encryption, subscription or push service. */
  deliverPush(scope: string, data: string): Promise<void>;
  /** A sync event. Returns before its handler ends and never tells of its rejection. */
  deliverSync(scope: string, tag: string, lastChance?: boolean): Promise<void>;
  deliverPeriodicSync(scope: string, tag: string): Promise<void>;
}

interface Registration {
  readonly registrationId: string;
  readonly scopeURL: string;
  readonly isDeleted: boolean;
}

interface Version {
  readonly versionId: string;
  readonly registrationId: string;
  readonly runningStatus: ChromiumWorker['running'];
  readonly status: ChromiumWorker['status'];
}

interface Watch {
  readonly page: ChromiumPage;
  workers(): ChromiumWorker[];
  until<Value>(look: () => Value | undefined, withinMs: number): Promise<Value>;
}

export function createChromiumWorkers(pipe: CdpPipe): ChromiumWorkers {
  const dispatch = (method: string, scope: string, params: object): Promise<void> =>
    watching(pipe, async ({ page, until, workers }) => {
      const worker = await until(
        () => workers().find((each) => each.scope === scope && each.status === 'activated'),
        5_000,
      );
      await page.send(`ServiceWorker.${method}`, {
        origin: new URL(scope).origin,
        registrationId: worker.registrationId,
        ...params,
      });
    });
  return {
    list: () => watching(pipe, async ({ workers }) => workers()),
    until: (matches, withinMs = 10_000) =>
      watching(pipe, ({ workers, until }) => until(() => workers().find(matches), withinMs)),
    stopAll: () =>
      watching(pipe, async ({ page, workers, until }) => {
        await page.send('ServiceWorker.stopAllWorkers');
        await until(() => workers().every((worker) => worker.running === 'stopped') || undefined, 10_000);
      }),
    deliverPush: (scope, data) => dispatch('deliverPushMessage', scope, { data }),
    deliverSync: (scope, tag, lastChance = false) => dispatch('dispatchSyncEvent', scope, { tag, lastChance }),
    deliverPeriodicSync: (scope, tag) => dispatch('dispatchPeriodicSyncEvent', scope, { tag }),
  };
}

async function watching<Value>(pipe: CdpPipe, use: (watch: Watch) => Promise<Value>): Promise<Value> {
  const page = await openPage(pipe);
  const registrations = new Map<string, Registration>();
  const versions = new Map<string, Version>();
  const looks = new Set<() => void>();
  let stored = false; // the list of what is stored arrives as an event, some time after `enable` returned
  const stop = pipe.onEvent((event) => {
    if (event.sessionId !== page.sessionId || !event.method.startsWith('ServiceWorker.')) return;
    for (const each of (event.params['registrations'] ?? []) as Registration[]) {
      if (each.isDeleted) registrations.delete(each.registrationId);
      else registrations.set(each.registrationId, each);
    }
    for (const each of (event.params['versions'] ?? []) as Version[]) versions.set(each.versionId, each);
    if (event.method === 'ServiceWorker.workerVersionUpdated') stored = true;
    for (const look of looks) look();
  });
  const workers = (): ChromiumWorker[] =>
    [...versions.values()].flatMap((version) => {
      const scope = registrations.get(version.registrationId)?.scopeURL;
      if (scope === undefined || version.status === 'redundant') return [];
      const { versionId, registrationId, status, runningStatus } = version;
      return { scope, registrationId, versionId, status, running: runningStatus };
    });
  const until = <Found>(look: () => Found | undefined, withinMs: number): Promise<Found> => {
    const { promise, resolve, reject } = Promise.withResolvers<Found>();
    const timer = setTimeout(() => {
      looks.delete(check);
      reject(new Error(`no such service worker within ${withinMs} ms; there are: ${JSON.stringify(workers())}`));
    }, withinMs);
    const check = (): void => {
      const found = look();
      if (found === undefined) return;
      clearTimeout(timer);
      looks.delete(check);
      resolve(found);
    };
    looks.add(check);
    check();
    return promise;
  };
  try {
    await page.send('ServiceWorker.enable');
    await until(() => stored || undefined, 5_000);
    return await use({ page, workers, until });
  } finally {
    stop();
    await page.close();
  }
}
