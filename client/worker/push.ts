import type { Json } from '../../core/log/body.ts';
import type { PageScope, PageStatus } from '../../core/protocol/page-messages.ts';
import type { Ask } from '../engine/ask.ts';

export interface PushOptions {
  readonly ask: Ask;
  readonly scope: PageScope;
  readonly registration: ServiceWorkerRegistration;
}

/**
 * Asks for the permission and subscribes. Call it from a click or a key: browsers refuse, and some remember, a question that
 * nobody asked for. So the question comes first, before anything is awaited (PAGE8).
 */
export async function enablePush(options: PushOptions): Promise<PageStatus['push']> {
  if (!hasPush(options.registration)) return 'unsupported';
  const permission = await Notification.requestPermission();
  if (permission !== 'granted') return permission === 'denied' ? 'denied' : 'off';
  await subscribe(options);
  return 'on';
}

/**
 * On every visit: the server gets the subscription that this browser has, and a subscription that was lost on either side is
 * made anew, without a question, since the permission is still there. `serverHas`: whether the worker believes that the
 * server has one; a push service may have ended it (410), which the browser itself is never told.
 */
export async function recheckPush(options: PushOptions, serverHas: boolean): Promise<void> {
  const { ask, scope, registration } = options;
  if (!hasPush(registration)) return;
  const held = await registration.pushManager.getSubscription();
  if (Notification.permission !== 'granted' || (held === null && !serverHas)) {
    // Taken back in the browser's own settings: the server need not try any more.
    if (serverHas) await ask('subscribed', { ...scope, subscription: null });
    return;
  }
  if (held !== null && !serverHas) await held.unsubscribe();
  await subscribe(options);
}

async function subscribe({ ask, scope, registration }: PushOptions): Promise<void> {
  const { pushManager } = registration;
  const applicationServerKey = await ask('pushKey', scope);
  let held = await pushManager.getSubscription();
  const heldFor = held?.options.applicationServerKey;
  if (held && heldFor && bytesToBase64Url(new Uint8Array(heldFor)) !== applicationServerKey.replace(/=+$/, '')) {
    // The server has new keys: what was subscribed with the old ones is dead.
    await held.unsubscribe();
    held = null;
  }
  held ??= await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
  await ask('subscribed', { ...scope, subscription: held.toJSON() as Json });
}

function bytesToBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=+$/, '');
}

function hasPush(registration: ServiceWorkerRegistration): boolean {
  return 'pushManager' in registration && 'Notification' in globalThis;
}
