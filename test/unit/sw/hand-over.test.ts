import { expect, test } from 'vitest';

import { createHandOver } from '../../../sw/hand-over.ts';

test('CAP35 an event waits for its work, well or badly ended, and lets it go once a new version waits', async () => {
  const handOver = createHandOver();
  const never = new Promise(() => {});
  await handOver.whileInCharge(Promise.resolve('done'));
  await handOver.whileInCharge(Promise.reject(new Error('failed')));

  let ended = 0;
  const work = Promise.withResolvers<void>();
  const events = [never, never, work.promise].map((each) => handOver.whileInCharge(each).then(() => ended++));
  work.resolve();
  await events[2];
  expect(ended).toBe(1);
  handOver.begin();
  await Promise.all(events);
  await handOver.whileInCharge(never);
  await handOver.whileInCharge(Promise.reject(new Error('failed late')));
});

test('CAP35 a new version that could not be installed leaves events waiting for their work again', async () => {
  const handOver = createHandOver();
  handOver.begin();
  handOver.cancel();
  const work = Promise.withResolvers<void>();
  const order: string[] = [];
  const event = handOver.whileInCharge(work.promise).then(() => order.push('event'));
  await Promise.resolve();
  order.push('still waiting');
  work.resolve();
  await event;
  expect(order).toEqual(['still waiting', 'event']);
});
