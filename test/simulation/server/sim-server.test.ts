import { describe, expect, test } from 'vitest';
import type { Cursor, SpaceResponse } from '../../../core/protocol/messages.ts';
import type { SimRequest, SimResponse } from '../network/http.ts';
import { enterWorld } from '../world/globals.ts';
import { createSimCrypto } from '../world/sim-crypto.ts';
import type { SimCrypto } from '../world/sim-crypto.ts';
import type { World } from '../world/world.ts';
import { createWorld } from '../world/world.ts';
import { createServerDisk } from './server-disk.ts';
import type { SimServer, SimServerOptions } from './sim-server.ts';
import { createSimServer, ServerGone } from './sim-server.ts';
import { createTestPeer, spaceOf, SPACE } from './test-peer.ts';

const ORIGIN = 'https://server.test';

interface Setting {
  readonly world: World;
  readonly crypto: SimCrypto;
  readonly server: SimServer;
  /** Runs the world until a promise of it is settled. */
  readonly outcome: <T>(begin: () => Promise<T>) => Promise<T>;
  readonly ask: (request: SimRequest) => Promise<SimResponse>;
}

async function setUp(seed: number, options: Partial<SimServerOptions> = {}): Promise<Setting> {
  const world = createWorld({ seed });
  enterWorld(world);
  const crypto = createSimCrypto(world.random.fork('crypto'));
  const disk = createServerDisk(world, world.random.fork('disk'));
  const server = createSimServer({ world, name: 'server', origin: ORIGIN, disk, crypto, ...options });

  async function outcome<T>(begin: () => Promise<T>): Promise<T> {
    let result: PromiseSettledResult<T> | undefined;
    world.after(0, 'test', () => {
      void Promise.allSettled([begin()]).then(([settled]) => (result = settled));
    });
    await world.run(world.now() + 600_000, () => result !== undefined);
    if (result === undefined) throw new Error(`nothing came of it: ${world.failure()?.text ?? 'it waits for ever'}`);
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  }

  server.start();
  await world.run(world.now() + 10_000, server.isListening);
  return { world, crypto, server, outcome, ask: (request) => outcome(() => server.handle(request)) };
}

async function restart({ world, server }: Setting): Promise<void> {
  server.start();
  await world.run(world.now() + 10_000, server.isListening);
  expect(server.isListening()).toBe(true);
}

describe('a server without power', () => {
  test('SYNC2 LOG13 what it acknowledged is there after a power cut at any moment of a request; the rest is whole or absent', async () => {
    let [survived, lost, answered] = [0, 0, 0];
    for (let seed = 1; seed <= 60; seed++) {
      const setting = await setUp(seed);
      const { world, crypto, server, ask, outcome } = setting;
      const peer = await createTestPeer(crypto, 'ann', 20);
      let acknowledged = -1;
      const half = spaceOf(await ask(peer.sync(ORIGIN, { runs: peer.runs.slice(0, 5) })));
      acknowledged = half.acknowledged.get(peer.log) ?? -1;
      expect(acknowledged).toBe(4);
      world.after(world.random.between(0, 120), 'power cut', server.powerCut);
      const request = peer.sync(ORIGIN, { runs: peer.runs.slice(5) });
      const answer = await outcome(() => server.handle(request)).catch((error: unknown) => error as Error);
      if (answer instanceof Error) expect(answer).toBeInstanceOf(ServerGone);
      else acknowledged = spaceOf(answer).acknowledged.get(peer.log) ?? -1;
      await world.run(world.now() + 1_000);
      await restart(setting);
      const after = spaceOf(await ask(peer.sync(ORIGIN, { vector: new Map() })));
      const held = after.acknowledged.get(peer.log) ?? -1;
      expect([4, 20]).toContain(held);
      expect(held).toBeGreaterThanOrEqual(acknowledged);
      expect(after.cursor.epoch).toBe(half.cursor.epoch);
      if (acknowledged === 20) answered += 1;
      else if (held === 20) survived += 1;
      else lost += 1;
      expect(world.failure()).toBeUndefined();
    }
    // Each of the three outcomes is possible, or the cuts hit nothing.
    expect(Math.min(survived, lost, answered)).toBeGreaterThan(0);
  });

  test('SYNC2 the same seed gives the same world', async () => {
    const hashOf = async (seed: number): Promise<string> => {
      const setting = await setUp(seed);
      const peer = await createTestPeer(setting.crypto, 'ann', 10);
      await setting.ask(peer.sync(ORIGIN, { runs: peer.runs }));
      setting.server.powerCut();
      await restart(setting);
      await setting.ask(peer.sync(ORIGIN, { vector: new Map() }));
      expect(setting.world.steps()).toBeGreaterThan(20);
      return setting.world.traceHash();
    };
    expect(await hashOf(7)).toBe(await hashOf(7));
    expect(await hashOf(7)).not.toBe(await hashOf(8));
  });
});

describe('a server with an old disk', () => {
  async function restored(files: 'kept' | 'restored'): Promise<{ before: SpaceResponse; after: SpaceResponse }> {
    const setting = await setUp(3);
    const { crypto, server, ask } = setting;
    const peer = await createTestPeer(crypto, 'ann', 6);
    await ask(peer.sync(ORIGIN, { runs: peer.runs.slice(0, 3) }));
    const backup = server.backUp();
    const before = spaceOf(await ask(peer.sync(ORIGIN, { runs: peer.runs.slice(3) })));
    expect(before.acknowledged.get(peer.log)).toBe(6);
    server.restoreBackup(backup, files);
    await restart(setting);
    const vector = new Map([[peer.log, 6]]);
    const after = spaceOf(await ask(peer.sync(ORIGIN, { cursor: before.cursor, vector })));
    expect(after.acknowledged.get(peer.log)).toBe(2);
    return { before, after };
  }

  test('SYNC4 a restored database beside newer files takes a new epoch and a new own log at its start', async () => {
    const { before, after } = await restored('kept');
    expect(after.cursor.epoch).not.toBe(before.cursor.epoch);
    expect(after.authorities).toHaveLength(2);
  });

  test('SYNC4 a machine that was restored whole takes a new epoch once a device knows more', async () => {
    const { before, after } = await restored('restored');
    expect(after.cursor.epoch).not.toBe(before.cursor.epoch);
  });

  test('SYNC4 a restart alone changes neither', async () => {
    const setting = await setUp(4);
    const peer = await createTestPeer(setting.crypto, 'ann', 2);
    const before = spaceOf(await setting.ask(peer.sync(ORIGIN, { runs: peer.runs })));
    await setting.outcome(() => setting.server.stop());
    expect(setting.server.isRunning()).toBe(false);
    await restart(setting);
    const after = spaceOf(await setting.ask(peer.sync(ORIGIN, { cursor: before.cursor })));
    expect([after.cursor, after.authorities]).toEqual([before.cursor, before.authorities]);
  });
});

describe('what a server is asked', () => {
  test('SYNC9 who says no account is not signed in; unknown routes are not found; both in the route’s own form', async () => {
    const { crypto, ask } = await setUp(5);
    const peer = await createTestPeer(crypto, 'ann', 1);
    const request = peer.sync(ORIGIN);
    const nobody = await ask({ ...request, headers: { 'content-type': 'application/wakelog+cbor' } });
    expect([401, 415]).toContain(nobody.status);
    const { 'x-account': _, ...headers } = request.headers;
    expect((await ask({ ...request, headers })).status).toBe(401);
    const unknown = await ask({ ...request, url: `${ORIGIN}/wakelog/updates` });
    expect([unknown.status, unknown.headers['content-type']]).toEqual([404, 'application/json']);
  });

  test('SYNC13 CAP3 a live stream carries what others write, waits for its reader, and breaks when the server dies', async () => {
    const { world, crypto, server, ask } = await setUp(6);
    const [ann, bob] = [await createTestPeer(crypto, 'ann', 3), await createTestPeer(crypto, 'bob', 1)];
    const { cursor } = spaceOf(await ask(bob.sync(ORIGIN, { runs: bob.runs })));
    const stream = await ask(bob.live(ORIGIN, cursor));
    if (typeof stream.body !== 'function') throw new Error('not a stream');
    const { body } = stream;
    const pieces: Uint8Array[] = [];
    const drain = Promise.withResolvers<void>();
    let ending: unknown = 'none';
    world.after(0, 'reader', () => {
      const sink = {
        write: (piece: Uint8Array) => pieces.push(piece) < 2,
        drained: () => drain.promise,
        isStalled: () => false,
      };
      body(sink, new Promise(() => undefined)).then(
        () => (ending = 'complete'),
        (error: unknown) => (ending = error),
      );
    });
    await world.run(world.now() + 100);
    expect(pieces).toHaveLength(1);
    expect(server.liveConnections()).toBe(1);
    await ask(ann.sync(ORIGIN, { runs: ann.runs.slice(0, 2) }));
    await world.run(world.now() + 1_000);
    await ask(ann.sync(ORIGIN, { runs: ann.runs.slice(2) }));
    await world.run(world.now() + 1_000);
    expect(pieces).toHaveLength(2);
    world.after(0, 'reader reads', drain.resolve);
    await world.run(world.now() + 1_000);
    expect(pieces).toHaveLength(3);
    server.kill();
    await world.run(world.now() + 100_000);
    expect(ending).toBeInstanceOf(ServerGone);
    expect(pieces).toHaveLength(3);
  });

  test('CAP3 a reader that is stalled for two heartbeats is cut off, and its place is free', async () => {
    const { world, crypto, server, ask } = await setUp(9);
    const bob = await createTestPeer(crypto, 'bob', 1);
    const { cursor } = spaceOf(await ask(bob.sync(ORIGIN, { runs: bob.runs })));
    const old: Cursor = { ...cursor, position: 0, check: new Uint8Array(8) };
    const stream = await ask(bob.live(ORIGIN, old));
    if (typeof stream.body !== 'function') throw new Error('not a stream');
    const { body } = stream;
    let ending: unknown = 'none';
    world.after(0, 'reader', () => {
      const never = new Promise<void>(() => undefined);
      body({ write: () => false, drained: () => never, isStalled: () => true }, never).then(
        () => (ending = 'complete'),
        (error: unknown) => (ending = String(error)),
      );
    });
    await world.run(world.now() + 30_000);
    expect([ending, server.liveConnections()]).toEqual(['none', 1]);
    await world.run(world.now() + 20_000);
    expect([ending, server.liveConnections()]).toEqual(['Error: the reader was cut off', 0]);
  });
});

describe('faults of the disk', () => {
  test('SYNC9 S1.5 each storage call of a request fails in turn: an answer from the table, and nothing of it is torn', async () => {
    let failures = 0;
    for (let nth = 1; nth < 200; nth++) {
      const thrown: unknown[] = [];
      const { world, crypto, server, ask } = await setUp(11, { onInternalError: (error) => thrown.push(error) });
      const peer = await createTestPeer(crypto, 'ann', 3);
      const before = server.disk.calls();
      server.disk.failNext(nth);
      const answer = await ask(peer.sync(ORIGIN, { runs: peer.runs }));
      if (server.disk.calls() - before < nth) break;
      if (answer.status !== 200) expect([answer.status, thrown.length]).toEqual([500, 1]);
      failures += answer.status === 200 ? 0 : 1;
      // What came of it is repeated until it is whole.
      const again = spaceOf(await ask(peer.sync(ORIGIN, { runs: peer.runs })));
      expect([again.acknowledged.get(peer.log), again.refused]).toEqual([3, []]);
      expect(world.failure()).toBeUndefined();
    }
    expect(failures).toBeGreaterThan(5);
  });

  test('SYNC2 SYNC4 S1.5 the power fails at each storage call of a request in turn: what was acknowledged is there, under the same epoch', async () => {
    let cuts = 0;
    for (let nth = 1; nth < 200; nth++) {
      const setting = await setUp(100 + nth);
      const { world, crypto, server, ask } = setting;
      const peer = await createTestPeer(crypto, 'ann', 3);
      const first = spaceOf(await ask(peer.sync(ORIGIN, { runs: peer.runs.slice(0, 2) })));
      const before = server.disk.calls();
      server.disk.onCall(nth, server.powerCut);
      const request = peer.sync(ORIGIN, { cursor: first.cursor, runs: peer.runs.slice(2) });
      const answer = await ask(request).catch((error: unknown) => error);
      if (server.disk.calls() - before < nth) break;
      expect(answer).toBeInstanceOf(ServerGone);
      cuts += 1;
      await restart(setting);
      const again = spaceOf(await ask(request));
      expect([again.acknowledged.get(peer.log), again.refused, again.compareVectors]).toEqual([3, [], false]);
      expect(again.cursor.epoch).toBe(first.cursor.epoch);
      expect(world.failure()).toBeUndefined();
    }
    expect(cuts).toBeGreaterThan(5);
  });

  test('SYNC6 LOG18 a full disk refuses runs as storage-full and takes them when there is room again', async () => {
    const { crypto, server, ask } = await setUp(12);
    const peer = await createTestPeer(crypto, 'ann', 3);
    await ask(peer.sync(ORIGIN, { runs: peer.runs.slice(0, 2) }));
    server.disk.setRoom(server.disk.usedBytes());
    const full = spaceOf(await ask(peer.sync(ORIGIN, { runs: peer.runs.slice(2) })));
    expect(full.refused.map(({ code }) => code)).toEqual(['storage-full']);
    expect(full.acknowledged.get(peer.log)).toBe(1);
    server.disk.setRoom(Number.POSITIVE_INFINITY);
    const roomy = spaceOf(await ask(peer.sync(ORIGIN, { runs: peer.runs.slice(2) })));
    expect(roomy.acknowledged.get(peer.log)).toBe(3);
  });

  test('SYNC2 a stalled server answers when it goes on', async () => {
    const { world, crypto, server, outcome } = await setUp(13);
    const peer = await createTestPeer(crypto, 'ann', 3);
    const releases = [server.stall(), server.stall()];
    world.after(30_000, 'goes on', releases[0] as () => void);
    world.after(60_000, 'goes on', releases[1] as () => void);
    const answer = await outcome(() => server.handle(peer.sync(ORIGIN, { runs: peer.runs })));
    expect(spaceOf(answer).acknowledged.get(peer.log)).toBe(3);
    expect(world.now()).toBeGreaterThanOrEqual(60_000);
  });
});

describe('a server that cannot start', () => {
  test('SYNC4 is started again until its disk works, unless it is killed meanwhile, and keeps its epoch', async () => {
    const started: number[] = [];
    const setting = await setUp(15, { onStart: ({ life }) => started.push(life) });
    const { world, server } = setting;
    const epoch = server.disk.baseEpoch();
    expect(epoch).toMatch(/^[\w-]{22}$/);
    server.kill();
    server.disk.failNext(2);
    await restart(setting);
    expect([started, server.disk.baseEpoch()]).toEqual([[0, 1, 2], epoch]);
    server.kill();
    server.disk.failNext(1);
    server.start();
    await world.run(world.now() + 500);
    expect(server.isRunning()).toBe(false);
    server.kill();
    await world.run(world.now() + 10_000);
    expect(server.isRunning()).toBe(false);
  });
});

describe('pushes of a server', () => {
  test('PUSH1 PUSH4 a subscription outlives a power cut, and its device gets a hint when another one writes', async () => {
    const sent: string[] = [];
    const setting = await setUp(14, {
      postPush: async ({ endpoint }, payload) => {
        sent.push(`${endpoint} ${payload}`);
        return { status: 201, retryAfterMs: undefined };
      },
    });
    const { world, crypto, server, ask } = setting;
    const [ann, bob] = [await createTestPeer(crypto, 'ann', 1), await createTestPeer(crypto, 'bob', 1)];
    const subscription = { endpoint: 'https://push.test/bob', keys: { p256dh: P256_POINT, auth: 'A'.repeat(22) } };
    expect((await ask(bob.post(ORIGIN, '/push/subscribe', { subscription }))).status).toBe(200);
    server.powerCut();
    await restart(setting);
    await ask(ann.sync(ORIGIN, { runs: ann.runs }));
    await world.run(world.now() + 10_000);
    expect(sent).toEqual([`https://push.test/bob ${JSON.stringify({ wakelog: 'pull', space: SPACE })}`]);
    expect((await ask(bob.post(ORIGIN, '/push/unsubscribe', {}))).status).toBe(200);
    await ask(bob.sync(ORIGIN, { runs: bob.runs }));
    await world.run(world.now() + 10_000);
    expect(sent).toHaveLength(1);
  });
});

/** The generator of P-256, uncompressed (SEC 2 §2.4.2). */
const P256_POINT = Buffer.from(
  '046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5',
  'hex',
).toString('base64url');
