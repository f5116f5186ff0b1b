import { expect, test } from 'vitest';
import { createExchange } from '../../../core/engine/exchange.ts';
import type { Transport } from '../../../core/engine/ports.ts';
import type { Replica } from '../../../core/engine/replica.ts';
import { CURSOR } from '../../../core/engine/sync-memory.ts';
import { runEnd } from '../../../core/log/run-codec.ts';
import { decodeSyncRequest, encodeSyncResponse } from '../../../core/protocol/codec.ts';
import { SYNC_CONTENT_TYPE } from '../../../core/protocol/limits.ts';
import type { SpaceRequest, SpaceResponse } from '../../../core/protocol/messages.ts';
import { openReplica } from '../../support/node-replica.ts';
import type { Responder } from '../server/responder.ts';
import { createResponder } from '../server/responder.ts';

/*
 * Somebody who stood in for the server, with its name and its epoch, said what is not so, and is gone.
 */

const DAY_MS = 86_400_000;

type Lie = (at: Responder, asked: SpaceRequest) => Promise<SpaceResponse>;

interface Party {
  readonly replica: Replica;
  readonly sync: (lie?: Lie) => Promise<string>;
  /** Whether its last exchange compared vectors. */
  readonly compared: () => boolean;
}

async function join(at: Responder, clock: { now: number }): Promise<Party> {
  const replica = await openReplica();
  let [lie, compared]: [Lie | undefined, boolean] = [undefined, false];
  const transport: Transport = {
    async sync(body) {
      const request = decodeSyncRequest(body);
      const [asked] = typeof request === 'string' ? [] : request.spaces;
      if (asked === undefined) throw new Error('out of reach');
      compared ||= asked.vector !== undefined;
      const said = await (lie === undefined ? at.ask(asked) : lie(at, asked));
      return { status: 200, contentType: SYNC_CONTENT_TYPE, retryAfterMs: undefined, body: encodeSyncResponse({ time: 1, spaces: [said] }) };
    },
    live: async () => 'ended',
  };
  const exchange = createExchange({ replica, device: 'd', life: 'one', transport, now: () => clock.now });
  return {
    replica,
    async sync(told) {
      [lie, compared] = [told, false];
      return (await exchange.run()).kind;
    },
    compared: () => compared,
  };
}

const write = (replica: Replica, key: string): Promise<unknown> => replica.append([{ writes: [{ key, value: key }] }]);
const keysOf = async ({ replica }: Party): Promise<string[]> => (await replica.view.items('')).map(({ key }) => key);

const throwsAway: Lie = async (at, asked) => {
  const said = await at.ask({ ...asked, runs: [] });
  const ends = asked.runs.map(runEnd).filter((end) => end !== undefined);
  return { ...said, acknowledged: new Map([...said.acknowledged, ...ends.map(({ log, last }) => [log, last] as const)]) };
};
const keepsBack: Lie = async (at, asked) => ({ ...(await at.ask(asked)), runs: [], level: true });
const refuses: Lie = async (at, asked) => {
  const said = await at.ask({ ...asked, runs: [] });
  const ends = asked.runs.map(runEnd).filter((end) => end !== undefined);
  return { ...said, refused: ends.slice(0, 1).map(({ log, last }) => ({ log, first: last, code: 'malformed' })) };
};

for (const [what, lie] of [['acknowledged what it threw away', throwsAway], ['kept entries back', keepsBack], ['called entries malformed', refuses]] as const) {
  test(`SYNC17 a server that ${what} is found out within a day, by its vector`, async () => {
    const clock = { now: 1_000 };
    const at = createResponder();
    const [one, other] = [await join(at, clock), await join(at, clock)];
    for (const [device, key] of [[one, 'a'], [other, 'b']] as const) {
      await write(device.replica, key);
      expect(await device.sync()).toBe('level');
    }
    await one.sync();
    await write(one.replica, 'of one');
    await write(other.replica, 'of other');
    await other.sync();
    expect(await one.sync(lie)).toBe('level');
    // The truth is no other before a day has gone by: nobody pays for vectors each time.
    expect(await one.sync()).toBe('level');
    expect(one.compared()).toBe(false);
    for (const jumpMs of [DAY_MS, -3 * DAY_MS]) {
      clock.now += jumpMs;
      expect(await one.sync()).toBe('level');
      expect(one.compared()).toBe(true);
      expect(await one.sync()).toBe('level');
      expect(one.compared()).toBe(false);
    }
    await other.sync();
    expect(await keysOf(one)).toEqual(['a', 'b', 'of one', 'of other']);
    expect(await keysOf(other)).toEqual(await keysOf(one));
  });
}

test('SYNC17 a day that is over in the middle of an exchange is over for refusals, too', async () => {
  const clock = { now: 1_000 };
  const at = createResponder();
  const one = await join(at, clock);
  await write(one.replica, 'a');
  expect(await one.sync()).toBe('level');
  await write(one.replica, 'b');
  expect(await one.sync(refuses)).toBe('level');
  clock.now += DAY_MS - 1;
  // It has more to give, and a moment goes by before it is asked for that.
  expect(await one.sync(async (honest, asked) => ({ ...(await honest.ask(asked)), level: clock.now++ > DAY_MS + 1_000 }))).toBe('level');
  await one.sync();
  const reader = await join(at, clock);
  await reader.sync();
  expect(await keysOf(reader)).toEqual(['a', 'b']);
});

test('SYNC17 vectors that are compared for another reason do not put the day off', async () => {
  const clock = { now: 1_000 };
  const at = createResponder();
  const one = await join(at, clock);
  await write(one.replica, 'a');
  expect(await one.sync(refuses)).toBe('level');
  clock.now += DAY_MS - 1;
  await one.replica.store.putValues({ [CURSOR]: undefined });
  expect(await one.sync()).toBe('level');
  expect(one.compared()).toBe(true);
  clock.now += 1;
  expect(await one.sync()).toBe('level');
  const reader = await join(at, clock);
  await reader.sync();
  expect(await keysOf(reader)).toEqual(['a']);
});
