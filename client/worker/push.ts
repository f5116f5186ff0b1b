import type { Json } from '../../core/log/body.ts';
import type { PageScope, PageStatus } from '../../core/protocol/page-messages.ts';
import type { Ask } from '../engine/ask.ts';
import { PageError } from '../page-error.ts';

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
 * On every visit: the server gets the subscription that this browser has, or hears that there is none any more; one that
 * was lost is made anew, without a question, since the permission is still there. `enabled`: this browser's subscription was
 * handed to the server before.
 */
export async function recheckPush(options: PushOptions, enabled: boolean): Promise<void> {
  const { ask, scope, registration } = options;
  if (!hasPush(registration)) return;
  if (Notification.permission !== 'granted') {
    // Taken back in the browser's own settings: the server need not try any more.
    if (enabled) await ask('subscribed', { ...scope, subscription: null });
  } else if (enabled || (await registration.pushManager.getSubscription()) !== null) {
    await subscribe(options);
  }
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
  const tell = (subscription: PushSubscription): Promise<null> =>
    ask('subscribed', { ...scope, subscription: subscription.toJSON() as Json });
  const make = (): Promise<PushSubscription> => pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
  if (held === null) {
    await tell(await make());
    return;
  }
  try {
    await tell(held);
  } catch (error) {
    // The push service ended it, which the server found out and this browser was never told.
    if (!(error instanceof PageError) || error.code !== 'not-found') throw error;
    await held.unsubscribe();
    await tell(await make());
  }
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
