import webPush from 'web-push';
import type { PushSubscription as WebPushSubscription, SendResult, VapidKeys } from 'web-push';

import { createAppServer } from '../../platform/app-server.ts';
import type { AppServer } from '../../platform/app-server.ts';
import { PlainHttpsAgent } from '../../platform/plain-https-agent.ts';
import type { PushService } from '../../platform/push/push-service.ts';

const PAGE = `<!doctype html><title>platform</title><script>
  const ready = navigator.serviceWorker.register('/worker.js').then(() => navigator.serviceWorker.ready);
  const answer = () => new Promise((resolve) =>
    navigator.serviceWorker.addEventListener('message', (event) => resolve(event.data), { once: true }));
  async function ask(message) {
    const answered = answer();
    (await ready).active.postMessage(message);
    return answered;
  }
  async function subscribe(applicationServerKey) {
    const subscription = await (await ready).pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
    return subscription.toJSON();
  }
  async function subscription() {
    return (await (await ready).pushManager.getSubscription())?.endpoint ?? null;
  }
  const registerSync = async (tag) => (await ready).sync.register(tag);
</script>`;

const WORKER = `
  const report = (evidence) => fetch('/evidence', { method: 'POST', body: JSON.stringify(evidence) });
  const tabs = async () => (await clients.matchAll({ includeUncontrolled: true })).length;
  const open = () => new Promise((resolve, reject) => {
    const request = indexedDB.open('rows', 1);
    request.onupgradeneeded = () => request.result.createObjectStore('rows', { autoIncrement: true });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const inStore = async (mode, use) => {
    const transaction = (await open()).transaction('rows', mode, { durability: 'strict' });
    const request = use(transaction.objectStore('rows'));
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error);
    });
  };
  addEventListener('install', () => skipWaiting());
  addEventListener('activate', (event) => event.waitUntil(clients.claim()));
  addEventListener('message', (event) => event.waitUntil((async () => {
    const { put } = event.data;
    const answer = put === undefined
      ? await inStore('readonly', (store) => store.getAll())
      : await inStore('readwrite', (store) => store.add(put));
    event.source.postMessage(answer);
  })()));
  addEventListener('sync', (event) => event.waitUntil((async () => {
    await report({ kind: 'sync', tag: event.tag, lastChance: event.lastChance, tabs: await tabs() });
    if (event.tag === 'in vain') throw new Error('in vain');
  })()));
  addEventListener('push', (event) => event.waitUntil((async () => {
    const text = event.data?.text() ?? null;
    await registration.showNotification('platform', { tag: 'platform', body: text ?? '' });
    await report({ kind: 'push', text, tabs: await tabs(), notifications: (await registration.getNotifications()).length });
  })()));
`;

/** A page and a worker that report every event they get; scenario code runs `subscribe(key)`, `ask({ put })` … in the page. */
export function createSite(): Promise<AppServer> {
  return createAppServer({ '/index.html': PAGE, '/worker.js': WORKER });
}

/** Encrypts and signs like any application server and sends to the stand-in. Rejects with `statusCode` on a refusal. */
export function sendPush(
  service: PushService,
  subscription: WebPushSubscription,
  keys: VapidKeys,
  text: string,
  topic?: string,
): Promise<SendResult> {
  return webPush.sendNotification(subscription, text, {
    TTL: 60,
    ...(topic === undefined ? {} : { topic }),
    vapidDetails: { subject: 'mailto:platform@example.invalid', ...keys },
    agent: new PlainHttpsAgent({ redirect: { [service.endpointOrigin]: service.origin } }),
  });
}
