import { expect } from '@playwright/test';
import type { CDPSession } from '@playwright/test';

import { createEventLog } from '../../platform/parts/event-log.ts';
import type { EventLog } from '../../platform/parts/event-log.ts';
import type { WholeLog } from './sends-log.ts';
import { readLogs, valuesOf } from './sends-log.ts';
import type { SendsSite } from './sends-site.ts';
import { COLLECTION, SPACE } from './sends-site.ts';

export const TITLES: readonly string[] = ['first', 'second', 'third'];

/** A tab of whichever driver: the value of an expression, awaited in the page. */
export interface Tab {
  readonly run: <Value>(expression: string) => Promise<Value>;
}

/** Three tasks by the page's own fetch, each taken at once. What is recorded here is what the device acknowledged. */
export async function writeThree(tab: Tab): Promise<void> {
  for (const title of TITLES) {
    const answer = await tab.run(`postTask(${JSON.stringify({ title })})`);
    expect(answer).toMatchObject({ status: 201, queued: 'true' });
  }
}

/** The device shows all three and counts none as sent. */
export async function expectNothingSent(tab: Tab): Promise<void> {
  await expect.poll(() => tab.run('readTasks()')).toEqual({ titles: TITLES, queued: 'true', unsent: TITLES.length });
}

/** The device knows that all three arrived. */
export async function expectAllSent(tab: Tab): Promise<void> {
  await expect.poll(() => tab.run('readTasks()')).toEqual({ titles: TITLES, queued: null, unsent: 0 });
}

/** Returns when the server has shown all three to a device that listens. */
export async function untilDelivered(site: SendsSite): Promise<void> {
  const listener = await site.device({ live: true });
  await expect
    .poll(async () => (await listener.collection(COLLECTION).list()).length, { timeout: 30_000 })
    .toBeGreaterThanOrEqual(TITLES.length);
}

/** The server's logs hold these titles, one entry each, in one log and in this order, and nothing else. */
export async function expectAtServer(site: SendsSite, titles: readonly string[]): Promise<void> {
  const device = await site.device();
  const { store } = device.device.replica;
  expectInOrder(await readLogs(store, SPACE), titles);
  expect(await store.forks()).toEqual([]);
  expect((await device.collection<{ title: string }>(COLLECTION).list()).map(({ value }) => value.title)).toEqual(
    titles,
  );
}

/** One log has one entry for each title, in this order, and no log has anything else. */
export function expectInOrder(logs: readonly WholeLog[], titles: readonly string[]): void {
  const written = logs.map((log) => valuesOf(log, COLLECTION)).filter((values) => values.length > 0);
  expect(written).toEqual(titles.length === 0 ? [] : [titles.map((title) => expect.objectContaining({ title }))]);
  expect(logs.flatMap(({ data }) => data)).toHaveLength(titles.length);
}

export interface BrowserSyncEvents {
  /** What the browser itself says that it did about a tag of Background Sync. */
  sync: { readonly what: string; readonly tag: string; readonly details: Readonly<Record<string, string>> };
}

/** Chromium's own record of Background Sync, from now on. */
export async function recordSyncEvents(session: CDPSession): Promise<EventLog<BrowserSyncEvents>> {
  const log = createEventLog<BrowserSyncEvents>('background sync of the browser');
  session.on('BackgroundService.backgroundServiceEventReceived', ({ backgroundServiceEvent }) => {
    const { eventName: what, instanceId: tag, eventMetadata } = backgroundServiceEvent;
    log.note('sync', { what, tag, details: Object.fromEntries(eventMetadata.map(({ key, value }) => [key, value])) });
  });
  const service = 'backgroundSync' as const;
  await session.send('BackgroundService.startObserving', { service });
  await session.send('BackgroundService.setRecording', { service, shouldRecord: true });
  return log;
}
