import { createECDH } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Json } from '../../../core/log/body.ts';
import { toBase64Url } from '../../../core/log/bytes.ts';
import { readSubscription } from '../../../server/push/subscription.ts';
import type { PushFault } from './push-fault.ts';
import type { PushService, SimPushManager } from './push-service.ts';
import { createPushService } from './push-service.ts';
import type { Stage } from './stage.ts';
import { stage } from './stage.ts';

const HOUR_MS = 3_600_000;
const WEEK_MS = 7 * 24 * HOUR_MS;

const keyOf = (first: number): string => toBase64Url(Uint8Array.from({ length: 65 }, (_, i) => (i === 0 ? 4 : first)));
const KEY = keyOf(1);

interface PushStage extends Stage {
  readonly push: PushService;
  readonly manager: SimPushManager;
  readonly delivered: string[];
  readonly changes: string[];
  /** Subscribes, or finds the subscription; what the server is given. */
  readonly subscribe: (
    key?: string,
  ) => Promise<{ readonly endpoint: string; readonly p256dh: string; readonly auth: string }>;
  /** The server sends; how that was answered. */
  readonly send: (data: string, topic?: string, forMs?: number) => Promise<string>;
}

async function pushStage(fault?: PushFault, seed = 1): Promise<PushStage> {
  const made = stage(seed);
  const { world, network, server } = made;
  const push = createPushService({ world, network, random: world.random.fork('push') });
  const delivered: string[] = [];
  const changes: string[] = [];
  const browser = {
    name: 'client',
    deliver: (data: string) => void delivered.push(data),
    changed: ({ endpoint }: { readonly endpoint: string }) => void changes.push(endpoint),
  };
  const manager = push.managerFor(browser);
  const subscribe: PushStage['subscribe'] = async (key = KEY) => {
    const outcome = await made.run(async () =>
      (await manager.subscribe({ userVisibleOnly: true, applicationServerKey: key })).toJSON(),
    );
    if (!outcome.startsWith('{')) throw new Error(outcome);
    return readSubscription(JSON.parse(outcome) as Json, () => true);
  };
  const subscription = await subscribe();
  const send: PushStage['send'] = async (data, topic = 'space', forMs = 24 * HOUR_MS) => {
    let outcome = 'nothing';
    const task = (): void =>
      void push.post(subscription, data, topic).then(
        ({ status, retryAfterMs }) => (outcome = `${status} ${retryAfterMs ?? ''}`),
        (error: unknown) => (outcome = String(error)),
      );
    world.after(0, 'send', task, server);
    await world.run(world.now() + forMs);
    return outcome;
  };
  push.setFault('client', fault);
  return { ...made, push, manager, delivered, changes, subscribe, send };
}

test('PLATFORM a push is taken and delivered; its keys are of the real curve', async () => {
  const { send, delivered, subscribe, push } = await pushStage();
  expect([await send('a'), delivered]).toEqual(['201 ', ['a']]);
  const { p256dh } = await subscribe();
  const ours = createECDH('prime256v1');
  ours.generateKeys();
  expect(ours.computeSecret(Buffer.from(p256dh, 'base64url')).length).toBe(32);
  expect(push.counts()).toEqual({ taken: 1, delivered: 1 });
});

test('PLATFORM pushes are lost, doubled, late, refused, unanswered and forged', async () => {
  const outcome = async (fault: PushFault): Promise<[string, string[]]> => {
    const { send, delivered } = await pushStage(fault);
    return [await send('a'), delivered];
  };
  expect(await outcome({ kind: 'lose', chance: 1 })).toEqual(['201 ', []]);
  expect(await outcome({ kind: 'double', chance: 1, lateMs: HOUR_MS })).toEqual(['201 ', ['a', 'a']]);
  expect(await outcome({ kind: 'refuse', chance: 1, status: 429, retryAfterS: 30 })).toEqual(['429 30000', []]);
  expect(await outcome({ kind: 'refuse', chance: 1, status: 404, retryAfterS: undefined })).toEqual(['404 ', []]);
  const silence = 'Error: the push service did not answer';
  expect(await outcome({ kind: 'silence', chance: 1, takes: false })).toEqual([silence, []]);
  expect(await outcome({ kind: 'silence', chance: 1, takes: true })).toEqual([silence, ['a']]);
  const [status, delivered] = await outcome({ kind: 'forge', chance: 1 });
  expect([status, delivered.length, delivered.includes('a')]).toEqual(['201 ', 2, true]);
});

test('PLATFORM late pushes come out of order', async () => {
  const orders = new Set<string>();
  for (let seed = 1; seed <= 10; seed++) {
    const { send, delivered } = await pushStage({ kind: 'late', chance: 1, mostMs: 6 * HOUR_MS }, seed);
    for (const data of ['a', 'b', 'c']) await send(data, data, 60_000);
    await send('d');
    expect(delivered.toSorted()).toEqual(['a', 'b', 'c', 'd']);
    orders.add(delivered.join(''));
  }
  expect(orders.size).toBeGreaterThan(3);
});

test('PLATFORM a push on its way comes to nothing once its subscription is taken back', async () => {
  const { send, delivered, manager, run, push, world } = await pushStage({
    kind: 'double',
    chance: 1,
    lateMs: HOUR_MS,
  });
  await send('a', 'space', 60_000);
  expect(await run(async () => (await manager.getSubscription())?.unsubscribe(), 60_000)).toBe('true');
  await world.run(world.now() + 24 * HOUR_MS);
  expect([delivered, push.counts()]).toEqual([['a'], { taken: 1, delivered: 1 }]);
});

test('PLATFORM a browser that is away gets the newest of each topic when it is back, unless it is too old', async () => {
  const { send, delivered, push, network, world } = await pushStage();
  push.setOnline('client', false);
  for (const data of ['a', 'b']) await send(data);
  await send('c', 'other');
  expect(delivered).toEqual([]);
  push.setOnline('client', true);
  await world.run(world.now() + HOUR_MS);
  expect(delivered.toSorted()).toEqual(['b', 'c']);
  network.partition('client', '*');
  await send('d');
  expect(delivered.length).toBe(2);
  network.heal();
  await world.run(world.now() + HOUR_MS);
  expect(delivered[2]).toBe('d');
  push.setOnline('client', false);
  await send('e');
  await world.run(world.now() + 5 * WEEK_MS);
  push.heal();
  await world.run(world.now() + HOUR_MS);
  expect(delivered.length).toBe(3);
});

test('PLATFORM a subscription that was taken back, expired or never was is answered 410 or 404', async () => {
  const told = await pushStage({ kind: 'expire', chance: 1, tells: true });
  expect([await told.send('a'), await told.send('a'), told.delivered]).toEqual(['410 ', '410 ', []]);
  expect(told.changes.length).toBe(1);
  expect(await told.manager.getSubscription()).toBe(null);
  const { endpoint } = await told.subscribe();
  expect(endpoint).not.toBe(told.changes[0]);

  const silent = await pushStage({ kind: 'expire', chance: 1, tells: false });
  expect([await silent.send('a'), silent.changes]).toEqual(['410 ', []]);
  // The browser believes in it until it takes it back.
  const held = await silent.manager.getSubscription();
  expect((await silent.subscribe()).endpoint).toBe(held?.endpoint);
  expect(await silent.run(async () => held?.unsubscribe())).toBe('true');
  expect((await silent.subscribe()).endpoint).not.toBe(held?.endpoint);

  const { push, world, server } = silent;
  let status = 0;
  const unknown = { endpoint: 'https://push.sim/x', p256dh: '', auth: '' };
  world.after(0, 'send', () => void push.post(unknown, '', '').then((answer) => (status = answer.status)), server);
  await world.run(world.now() + HOUR_MS);
  expect(status).toBe(404);
});

test('PLATFORM a browser has one subscription, of one key, and needs the network for a new one', async () => {
  const { subscribe, network, manager, run } = await pushStage();
  await expect(subscribe(keyOf(2))).rejects.toThrow('InvalidStateError');
  await expect(subscribe('AAAA')).rejects.toThrow('InvalidAccessError');
  await run(async () => (await manager.getSubscription())?.unsubscribe());
  network.partition('client', '*');
  await expect(subscribe()).rejects.toThrow('AbortError');
});

test('PLATFORM a server that is cut off from the push service gets no answer, a dead one hears none', async () => {
  const { send, network, delivered, world, server, push } = await pushStage();
  network.partition('server', '*');
  expect([await send('a'), delivered]).toEqual(['Error: the push service did not answer', []]);
  network.heal();
  const sent = send('b', 'space', 5);
  await sent;
  world.kill(server);
  await world.run(world.now() + HOUR_MS);
  expect([await sent, delivered, push.counts().taken]).toEqual(['nothing', ['b'], 1]);
});
