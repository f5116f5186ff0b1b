import { webEnvironment } from './environment.ts';
import { settingsOfAddress } from './settings.ts';
import { wireWorker } from './start-worker.ts';
import type { WorkerOptions } from './options.ts';

export type { News, NotificationText, WorkerOptions } from './options.ts';

/**
 * Makes your own service worker a worker of Wakelog. Call it at the top of the script, before anything is awaited. What is
 * left out comes from the worker's address, where `connect()` and the script tag write it. Your own `fetch` listeners go on
 * to work: a request is answered by whoever answers it first. Needs a browser whose WebCrypto has Ed25519.
 */
export function startWorker(options: Partial<WorkerOptions> = {}): void {
  wireWorker({ ...settingsOfAddress(), ...options }, webEnvironment);
}
