import { expect, test } from 'vitest';

import { createHandOver } from '../../../sw/hand-over.ts';
import type { HandOver } from '../../../sw/hand-over.ts';

/** What a browser knows of versions. */
function createVersions(): { coming: boolean; readonly handOver: HandOver } {
  const versions = { coming: false };
  return Object.assign(versions, { handOver: createHandOver(() => versions.coming) });
}

test('CAP35 an event waits for its work, well or badly ended, and lets it go once a new version waits', async () => {
  const versions = createVersions();
  const { handOver } = versions;
  const never = new Promise(() => {});
  await handOver.whileInCharge(Promise.resolve('done'));
  await handOver.whileInCharge(Promise.reject(new Error('failed')));

  let ended = 0;
  const work = Promise.withResolvers<void>();
  const events = [never, never, work.promise].map((each) => handOver.whileInCharge(each).then(() => ended++));
  work.resolve();
  await events[2];
  expect(ended).toBe(1);
  versions.coming = true;
  handOver.begin();
  await Promise.all(events);
  await handOver.whileInCharge(never);
  await handOver.whileInCharge(Promise.reject(new Error('failed late')));
  // Started again meanwhile, it waits for nothing either.
  await createHandOver(() => true).whileInCharge(never);
});

test('CAP35 a new version that could not be installed leaves events waiting for their work again', async () => {
  const versions = createVersions();
  const { handOver } = versions;
  versions.coming = true;
  handOver.begin();
  versions.coming = false;
  const work = Promise.withResolvers<void>();
  const order: string[] = [];
  const event = handOver.whileInCharge(work.promise).then(() => order.push('event'));
  await Promise.resolve();
  order.push('still waiting');
  work.resolve();
  await event;
  expect(order).toEqual(['still waiting', 'event']);
});

test('CAP35 an event that comes again when it fails: as its work ends, and again when it was let go', async () => {
  const versions = createVersions();
  const { handOver } = versions;
  await handOver.orAgain(Promise.resolve());
  await expect(handOver.orAgain(Promise.reject(new Error('not sent yet')))).rejects.toThrow('not sent yet');
  const alarm = handOver.orAgain(new Promise(() => {}));
  versions.coming = true;
  handOver.begin();
  await expect(alarm).rejects.toThrow('new version');
});
