import type { Shell } from '../capture/shell.ts';
import type { UpdatesStreams } from '../capture/updates-stream.ts';
import { worker } from '../global-scope.ts';
import type { HandOver } from '../hand-over.ts';
import { listenForTurn } from '../hand-over.ts';

export interface LifeCycleParts {
  readonly streams: UpdatesStreams;
  readonly handOver: HandOver;
  readonly shell: Shell | undefined;
}

/**
 * A new version takes over at once, with pages of the old one open: what they say is understood by both (design §6). The
 * old version ends its streams, and its events that only wait, as soon as the new one is found: they would hold the change
 * up for five minutes.
 */
export function listenLifeCycle({ streams, handOver, shell }: LifeCycleParts): void {
  worker.addEventListener('install', () => void worker.skipWaiting());
  listenForTurn();
  worker.addEventListener('activate', (event) => event.waitUntil(takeOver(shell)));
  worker.registration.addEventListener('updatefound', () => {
    streams.endAll();
    handOver.begin();
  });
}

async function takeOver(shell: Shell | undefined): Promise<void> {
  await worker.clients.claim();
  const windows = await worker.clients.matchAll({ type: 'window' });
  // What these pages were loaded from came past this worker. No network: the next load finds it.
  await shell?.warm(windows.map(({ url }) => url)).catch(() => undefined);
}
