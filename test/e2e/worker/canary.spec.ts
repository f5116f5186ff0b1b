import { expect } from '@playwright/test';

import { launchChromium } from '../../platform/chromium.ts';
import { needsChromium, test } from '../../platform/scenario.ts';
import './page-types.ts';
import { createWorkerSite, titlesAt } from './worker-site.ts';

/** Copies the account's database within the page, keys that nobody can read included, and puts it back. */
const BACKUP = `
  window.openIt = () => new Promise((resolve, reject) => {
    const asked = indexedDB.open('wakelog:["ann","tasks"]');
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
  window.done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  window.backUp = async () => {
    const database = await openIt();
    const names = [...database.objectStoreNames];
    const transaction = database.transaction(names);
    window.saved = await Promise.all(names.map(async (name) => {
      const store = transaction.objectStore(name);
      const [keys, values] = await Promise.all([done(store.getAllKeys()), done(store.getAll())]);
      return [name, keys, values];
    }));
    database.close();
    return saved.length;
  };
  window.putBack = async () => {
    const database = await openIt();
    const transaction = database.transaction(saved.map(([name]) => name), 'readwrite');
    for (const [name, keys, values] of saved) {
      const store = transaction.objectStore(name);
      store.clear();
      values.forEach((value, i) => store.put(value, keys[i]));
    }
    await new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
    });
    database.close();
    return true;
  };
  true`;

test('SYNC14 S1.2 a database that is put back in the browser is noticed without a server: the old log is never extended, nothing is lost or doubled', async ({
  scratch,
}) => {
  needsChromium();
  const site = await createWorkerSite(scratch);
  const chromium = scratch.use(await launchChromium({ profile: scratch.folder('chromium') }), (it) => it.kill());
  const page = await chromium.page(site.origin);
  await page.eval('controlled');
  await page.eval(BACKUP);
  await page.eval(`call('PUT', '/api/tasks/1', { title: 'first' })`);
  const device = await site.device();
  await expect.poll(() => titlesAt(device)).toEqual(['first']);
  expect(await page.eval<number>('backUp()')).toBeGreaterThan(0);
  await page.eval(`call('PUT', '/api/tasks/2', { title: 'second' })`);
  await expect.poll(() => titlesAt(device)).toEqual(['first', 'second']);
  const { store } = device.device.replica;
  const logsBefore = await store.heads();

  await site.gate.set('refuse');
  await page.send('ServiceWorker.enable');
  await page.send('ServiceWorker.stopAllWorkers');
  await page.eval('putBack()');
  await page.send('ServiceWorker.stopAllWorkers');
  const put = await page.eval<{ status: number }>(`call('PUT', '/api/tasks/3', { title: 'third' })`);
  expect(put.status).toBe(201);
  await page.until(`wakelog.then(({ status }) => status.getSnapshot().setback === 'restored')`, 20_000);

  await site.gate.set('pass');
  await page.eval(`dispatchEvent(new Event('focus')); true`);
  await expect.poll(() => titlesAt(device), { timeout: 30_000 }).toEqual(['first', 'second', 'third']);
  await page.until(`call('GET', '/api/tasks').then(({ json }) => json.length === 3)`, 20_000);
  await page.until(`wakelog.then(({ status }) => status.getSnapshot().setback === undefined)`, 20_000);
  const heads = await store.heads();
  expect(heads.length).toBe(logsBefore.length + 1);
  const own = logsBefore.filter(({ log }) => !device.device.replica.authorities().includes(log));
  for (const { log, sequence } of own) expect((await store.head(log))?.sequence).toBe(sequence);
  expect(await device.device.replica.forks()).toEqual([]);
  expect(device.device.replica.view.conflicted()).toEqual([]);
});

test('SYNC14 CAP36 an emptied database is told as such, and not as in sync, until an exchange is level', async ({
  scratch,
}) => {
  needsChromium();
  const site = await createWorkerSite(scratch);
  const chromium = scratch.use(await launchChromium({ profile: scratch.folder('chromium') }), (it) => it.kill());
  const page = await chromium.page(site.origin);
  await page.eval('controlled');
  await page.eval(`call('PUT', '/api/tasks/sent', { title: 'sent' })`);
  const device = await site.device();
  await expect.poll(() => titlesAt(device)).toEqual(['sent']);
  await site.gate.set('refuse');
  await page.send('Storage.clearDataForOrigin', { origin: site.origin, storageTypes: 'indexeddb' });
  await page.until(
    `wakelog.then(({ status }) => status.getSnapshot().setback === 'emptied' && status.getSnapshot().lastSynced === null)`,
    20_000,
  );
  await site.gate.set('pass');
  await page.eval(`dispatchEvent(new Event('focus')); true`);
  await page.until(`call('GET', '/api/tasks').then(({ json }) => json.length === 1)`, 20_000);
  await page.until(`wakelog.then(({ status }) => status.getSnapshot().setback === undefined)`, 20_000);
});
