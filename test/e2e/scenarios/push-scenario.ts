import { expect } from '@playwright/test';

import type { NodeDevice } from '../../../server/device/index.ts';
import type { Browser, Tab } from './push-browser.ts';
import type { PushWorld } from './push-world.ts';

const COUNT = 50;
const OVER_MS = 10_000;
/** A notification is shown within a few ms of the pull before it. */
const NOTHING_WITHIN_MS = 300;

/** `50 entries in 10 s`: device B has no tab, is woken by pushes, shows one notification, and has it all without a server. */
export async function wakesWithoutTab(world: PushWorld): Promise<void> {
  const { service, server } = world;
  const b = await world.launchB();
  await world.leaveB(b, await world.subscribeB(b));
  const a = await world.pageA();

  const titles = Array.from({ length: COUNT }, (_, index) => `task ${index + 1}`);
  const written = await a.run<{ statuses: number[]; tookMs: number }>(`write(${JSON.stringify(titles)}, ${OVER_MS})`);
  expect(written.statuses).toEqual(titles.map(() => 201));
  expect(written.tookMs).toBeGreaterThanOrEqual(OVER_MS);
  await world.untilGivenToB(COUNT);
  expect(openTabs(await b.tabs())).toEqual([]);

  const pushes = service.log.all('delivered').length;
  expect(pushes).toBeGreaterThan(1); // otherwise nothing would have been replaced
  expect(pushes).toBeLessThan(COUNT);
  await expectOneNotification(world, b, `${COUNT} changed`);

  await server.kill();
  const tab = await world.openB(b);
  await expectTasks(tab, titles);
  await expect.poll(() => statusOf(tab)).toMatchObject({ connection: 'offline', unsent: 0, push: 'on' });
  // Somebody looks at the page: the notification tells nothing new any more.
  await expect.poll(() => tab.run(SHOWN)).toEqual([]);
}

/** Pushes of one topic wait for a browser that is closed as one, which wakes it after its restart without a tab. */
export async function wakesAfterRestart(world: PushWorld): Promise<void> {
  const { service, server } = world;
  const first = await world.launchB();
  await world.leaveB(first, await world.subscribeB(first));
  await first.quit();

  const a = await world.deviceA();
  const titles = ['one', 'two', 'three'];
  for (const title of titles) {
    const mark = service.log.mark();
    await write(a, title);
    await service.log.until('accepted', ({ stored }) => stored, { after: mark });
  }
  expect(new Set(service.log.all('accepted').map(({ topic }) => topic)).size).toBe(1);
  expect(service.log.all('replaced')).toHaveLength(titles.length - 1);
  expect(service.pending()).toHaveLength(1);

  const again = await world.launchB();
  await world.untilGivenToB(titles.length);
  expect(openTabs(await again.tabs())).toEqual([]);
  expect(service.log.all('delivered')).toHaveLength(1);
  await expectOneNotification(world, again, `${titles.length} changed`);
  await server.kill();
  await expectTasks(await world.openB(again), titles);
}

/** A subscription that its push service ended is forgotten by the server, made anew at B's next visit, and nothing is lost. */
export async function outlivesItsSubscription(world: PushWorld): Promise<void> {
  const { service, server } = world;
  const b = await world.launchB();
  await world.leaveB(b, await world.subscribeB(b));
  const a = await world.deviceA();
  const [endpoint = ''] = world.storedEndpoints();

  service.expire(endpoint);
  await write(a, 'in vain');
  await service.log.until('refused', ({ status }) => status === 410);
  await server.log.until('line', ({ text }) => text.includes('a push subscription is gone'));
  expect(world.storedEndpoints()).toEqual([]);
  await write(a, 'unheard');

  const tab = await world.openB(b);
  await expect.poll(() => world.storedEndpoints()).toHaveLength(1);
  const [renewed = ''] = world.storedEndpoints();
  expect(renewed).not.toBe(endpoint);
  const { token } = await service.log.until('subscribe', (it) => it.endpoint === renewed);
  await expect.poll(() => tab.run('wakelog.then((it) => it.status.getSnapshot().updatesReady)')).toBe(2);
  await tab.run('wakelog.then((it) => it.accept())');
  await expectTasks(tab, ['in vain', 'unheard']);
  await world.leaveB(b, tab);

  await write(a, 'heard');
  await service.log.until('delivered', (it) => it.token === token);
  await world.untilGivenToB(3);
  expect(service.log.all('refused')).toHaveLength(1); // the server did not try the dead one again
  await expectOneNotification(world, b, '1 changed');
  await server.kill();
  await expectTasks(await world.openB(b), ['in vain', 'unheard', 'heard']);
}

/** A push says nothing: forged and doubled ones make B pull, and change nothing of what it has or shows. */
export async function believesNoPush(world: PushWorld): Promise<void> {
  const { server } = world;
  const b = await world.launchB();
  const tab = await world.subscribeB(b);
  const [atFirst, text] = [server.log.mark(), '{"wakelog":"pull","count":99}'];
  await world.forgePush(text);
  await world.untilBSynced(atFirst);
  // What would be shown now comes right after the pull; the tab is visible, so nothing is to come.
  await new Promise((resolve) => setTimeout(resolve, NOTHING_WITHIN_MS));
  expect(await tab.run(SHOWN)).toEqual([]);

  await world.leaveB(b, tab);
  for (const _ of ['once', 'twice']) {
    const mark = server.log.mark();
    await world.forgePush(text);
    await world.untilBSynced(mark);
  }
  await expectOneNotification(world, b, '1 changed');
  const a = await world.deviceA();
  for (const title of ['true', 'news']) await write(a, title);
  await world.untilGivenToB(2);
  await expectOneNotification(world, b, '2 changed');
  await server.kill();
  await expectTasks(await world.openB(b), ['true', 'news']);
}

const SHOWN = `navigator.serviceWorker.ready.then(async (it) =>
  (await it.getNotifications()).map(({ title, body, tag }) => ({ title, body, tag })))`;

/** Looked at by a page that is no tab of Wakelog's, opened after the fact. */
async function expectOneNotification(world: PushWorld, browser: Browser, body: string): Promise<void> {
  const probe = await world.openProbeB(browser);
  await expect.poll(() => probe.run(SHOWN)).toEqual([{ title: 'Tasks', body, tag: 'wakelog' }]);
  await probe.close();
}

async function expectTasks(tab: Tab, titles: readonly string[]): Promise<void> {
  const read = `Array.from(document.querySelectorAll('#tasks li'), (it) => it.textContent)`;
  await expect.poll(() => tab.run(read)).toEqual(titles);
}

function statusOf(tab: Tab): Promise<object> {
  return tab.run('wakelog.then((it) => it.status.getSnapshot())');
}

async function write(device: NodeDevice, title: string): Promise<void> {
  await device.collection('/api/tasks').put(title, { title });
  expect(await device.sync()).toBe('level');
}

function openTabs(urls: readonly string[]): string[] {
  return urls.filter((url) => url !== 'about:blank');
}
