import { expect, test } from 'vitest';

import type { Clock } from '../../../core/engine/ports.ts';
import { createHandOver } from '../../../sw/hand-over.ts';
import type { HandOver } from '../../../sw/hand-over.ts';
import { LONG_QUIET_MS, LONGEST_ROW, QUIET_MS } from '../../../sw/quiet.ts';

interface World {
  /** What the browser knows of versions. */
  coming: boolean;
  /** How often the version that waits was asked to ask for its turn. */
  urged: number;
  readonly handOver: HandOver;
  /** Lets time pass, and whatever follows from it happen. */
  readonly pass: (ms: number) => Promise<void>;
}

/** `coming`: already when this worker starts. */
function createVersions(coming = false): World {
  const timers = new Set<{ readonly at: number; readonly task: () => void }>();
  let now = 0;
  const clock: Clock = {
    now: () => now,
    after(delayMs, task) {
      const timer = { at: now + delayMs, task };
      timers.add(timer);
      return () => timers.delete(timer);
    },
  };
  const world = { coming, urged: 0 };
  const handOver = createHandOver(
    () => world.coming,
    () => void (world.urged += 1),
    clock,
  );
  return Object.assign(world, {
    handOver,
    async pass(ms: number) {
      for (const until = now + ms; now < until; now++) {
        await new Promise((resolve) => setImmediate(resolve));
        for (const timer of timers) if (timer.at === now + 1 && timers.delete(timer)) timer.task();
      }
      await new Promise((resolve) => setImmediate(resolve));
    },
  });
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
  await createVersions(true).handOver.whileInCharge(never);
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

test('CAP35 while a new version is coming, events stay until the pages pause: the browser ends an idle worker only once', async () => {
  const world = createVersions();
  const { handOver, pass } = world;
  const ended: string[] = [];
  const ask = (name: string, work: Promise<unknown>): void => {
    void handOver.untilQuiet(work).then(() => ended.push(name));
  };
  ask('before', Promise.resolve());
  await pass(1);
  expect(ended).toEqual(['before']);

  const slow = Promise.withResolvers<void>();
  ask('slow', slow.promise);
  world.coming = true;
  ask('failed', Promise.reject(new Error('failed')));
  await pass(QUIET_MS * 2);
  expect(ended).toEqual(['before']); // slow is under way
  slow.resolve();
  await pass(QUIET_MS - 1);
  ask('next of a row', Promise.resolve());
  await pass(QUIET_MS - 1);
  expect(ended).toEqual(['before']);
  await pass(2);
  expect(ended.toSorted()).toEqual(['before', 'failed', 'next of a row', 'slow']);
  expect(world.urged).toBe(0); // it has its order to end

  world.coming = false;
  ask('could not be installed', Promise.resolve());
  await pass(1);
  expect(ended).toContain('could not be installed');
});

test('CAP35 pages that never pause hold a new version up for a long row of requests, not for ever', async () => {
  const world = createVersions();
  world.coming = true;
  let ended = 0;
  for (let n = 1; n < LONGEST_ROW; n++) {
    void world.handOver.untilQuiet(Promise.resolve()).then(() => ended++);
    await world.pass(1);
  }
  expect(ended).toBe(0);
  await world.handOver.untilQuiet(Promise.resolve());
  expect(ended).toBe(LONGEST_ROW - 1);
});

test('CAP35 an old version that was started again while a new one waits has that one ask for its turn, at a pause', async () => {
  const world = createVersions(true);
  const { handOver, pass } = world;
  let ended = 0;
  void handOver.untilQuiet(Promise.resolve()).then(() => ended++);
  await pass(LONG_QUIET_MS - 1);
  expect([world.urged, ended]).toEqual([0, 0]);
  await pass(2);
  expect([world.urged, ended]).toEqual([1, 1]);
});
