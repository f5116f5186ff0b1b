import { Workbox } from 'workbox-window';

import type { WorkerSettings } from '../../core/protocol/page-messages.ts';
import { settingsToQuery } from '../../core/protocol/page-messages.ts';

export interface RegistrationOptions {
  /** Path under which the server serves `sw.js`. */
  readonly mount: string;
  /** The pages that the worker controls, a path prefix. */
  readonly reach: string;
  readonly settings: WorkerSettings;
  /** A newer worker took over while this page was open, or waits to. */
  readonly onNewVersion: () => void;
}

/**
 * Registers the worker and resolves once one is active, which need not control this page (first visit, hard reload: PAGE1).
 * Undefined where there can be none: no service workers, an insecure context, a script that cannot be fetched.
 */
export async function registerWorker(options: RegistrationOptions): Promise<ServiceWorkerRegistration | undefined> {
  if (!('serviceWorker' in navigator) || !isSecureContext) return undefined;
  const file = (await hasEd25519()) ? 'sw.js' : 'sw-ed25519.js';
  const workbox = new Workbox(`${options.mount}/${file}?${settingsToQuery(options.settings)}`, {
    scope: options.reach,
    updateViaCache: 'none',
  });
  for (const type of ['waiting', 'activated'] as const) {
    workbox.addEventListener(type, ({ isUpdate, isExternal }) => {
      if (isUpdate === true || isExternal === true) options.onNewVersion();
    });
  }
  try {
    // At once: the sooner the worker is there, the fewer requests of a first visit go without it.
    const registration = await workbox.register({ immediate: true });
    if (registration === undefined) return undefined;
    await untilActive(registration);
    return registration;
  } catch {
    // New settings and no network to fetch them with: the worker that is here goes on with its own.
    const held = await navigator.serviceWorker.getRegistration(options.reach).catch(() => undefined);
    return held?.active ? held : undefined;
  }
}

/** Whether WebCrypto signs with Ed25519 here; the other worker file brings its own. */
async function hasEd25519(): Promise<boolean> {
  try {
    await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify']);
    return true;
  } catch {
    return false;
  }
}

function untilActive(registration: ServiceWorkerRegistration): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = registration.installing ?? registration.waiting;
    const look = (): void => {
      if (registration.active !== null) resolve();
      else if (worker === null || worker.state === 'redundant') reject(new Error('the worker could not be installed'));
    };
    worker?.addEventListener('statechange', look);
    look();
  });
}
