import { expect, test } from 'vitest';
import type { World } from '../world/world.ts';
import type { NetworkFault } from './fault.ts';
import type { SimHandler, SimSink } from './http.ts';
import type { SimFetch } from './network.ts';
import type { Stage } from './stage.ts';
import { bytesOf, LOST, ORIGIN, pause, RESET, stage } from './stage.ts';

/** What a server saw of a stream that it was asked for. */
interface Seen {
  sink: SimSink | undefined;
  /** When it heard that its reader was gone, virtual ms. */
  stoppedAt: number | undefined;
}

/** A server that streams what its script writes. */
function streaming(script: (sink: SimSink, world: World) => Promise<void>, seed = 1): Stage & { readonly seen: Seen } {
  const seen: Seen = { sink: undefined, stoppedAt: undefined };
  let world: World | undefined;
  const handler: SimHandler = async () => ({
    status: 200,
    headers: { 'content-type': 'application/x' },
    body: async (sink, stopped) => {
      seen.sink = sink;
      void stopped.then(() => (seen.stoppedAt = world?.now()));
      await Promise.race([script(sink, world as World), stopped]);
    },
  });
  const made = stage(seed, handler);
  world = made.world;
  return { ...made, seen };
}

const forEver = async (sink: SimSink, world: World): Promise<void> => {
  for (let i = 0; ; i++) {
    sink.write(bytesOf(`<${i}>`));
    await pause(world, 1_000);
  }
};

const upTo =
  (count: number, everyMs: number) =>
  async (sink: SimSink, world: World): Promise<void> => {
    for (let i = 0; i < count; i++) {
      sink.write(bytesOf(`<${i}>`));
      await pause(world, everyMs);
    }
  };

/** Reads to the end, or the error; what came is in `pieces` at any time. */
const reading =
  (pieces: string[], signal?: AbortSignal) =>
  async (fetch: SimFetch): Promise<string> => {
    const reader = (await fetch('/live', { signal })).body?.getReader();
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true };
      if (done) return 'ended';
      pieces.push(new TextDecoder().decode(value));
    }
  };

test('PLATFORM a streamed body arrives piece by piece while the server writes, and ends when it returns', async () => {
  const { run, seen, network } = streaming(upTo(3, 10_000));
  const pieces: string[] = [];
  await run(reading(pieces), 15_000);
  expect(pieces).toEqual(['<0>', '<1>']);
  expect(seen.stoppedAt).toBe(undefined);
  const all: string[] = [];
  expect(await run(reading(all))).toBe('"ended"');
  expect(all).toEqual(['<0>', '<1>', '<2>']);
  expect(network.bytes().down).toBe(18);
});

test('PLATFORM a stream that ends as soon as it begins has a head and an end all the same', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const pieces: string[] = [];
    const { run } = streaming(async (sink) => void sink.write(bytesOf('x')), seed);
    expect(await run(reading(pieces))).toBe('"ended"');
    expect(pieces).toEqual(['x']);
    expect(await streaming(async () => undefined, seed).run(reading([]))).toBe('"ended"');
  }
});

test('PLATFORM a stream is shredded, dripped and delayed, and still holds the same bytes', async () => {
  const faults: NetworkFault[] = [
    { kind: 'shred', chance: 1, mostMs: 3_000 },
    { kind: 'drip', chance: 1, pieceBytes: 1, everyMs: 50 },
    { kind: 'delay', chance: 1, minMs: 0, maxMs: 5_000 },
  ];
  for (const fault of faults) {
    const cuts = new Set<string>();
    for (let seed = 1; seed <= 5; seed++) {
      const { run, network } = streaming(upTo(20, 100), seed);
      network.setFault('*', '*', fault);
      const pieces: string[] = [];
      expect(await run(reading(pieces))).toBe('"ended"');
      expect(pieces.join('')).toBe(Array.from({ length: 20 }, (_, i) => `<${i}>`).join(''));
      cuts.add(pieces.join('|'));
    }
    expect(cuts.size, fault.kind).toBe(fault.kind === 'shred' ? 5 : 1);
  }
});

test('PLATFORM a stream ends as if complete, with an error, or in silence for ever', async () => {
  const endings = { complete: '"ended"', error: RESET, silence: 'nothing' } as const;
  for (const how of ['complete', 'error', 'silence'] as const) {
    const { run, network, seen, world } = streaming(forEver);
    network.setFault('client', ORIGIN, { kind: 'stream-end', chance: 1, afterMs: 5_000, how });
    const pieces: string[] = [];
    expect(await run(reading(pieces), 30_000), how).toBe(endings[how]);
    expect(pieces.length, how).toBeLessThan(8);
    expect(seen.stoppedAt === undefined, how).toBe(how === 'silence');
    await world.run(world.now() + 1);
  }
});

test('PLATFORM a server learns at once that its reader aborted, and much later over a dead network', async () => {
  const fault: NetworkFault = { kind: 'stream-end', chance: 1, afterMs: 3_000, how: 'silence' };
  for (const faults of [[], [fault]]) {
    const { run, network, world, seen } = streaming(forEver);
    for (const each of faults) network.setFault('*', '*', each);
    const controller = new AbortController();
    world.after(10_000, 'abort', () => controller.abort(new Error('no sign of the server')));
    expect(await run(reading([], controller.signal))).toBe('Error: no sign of the server');
    const tookMs = (seen.stoppedAt ?? 0) - 10_000;
    expect(tookMs > 0 && tookMs < 100).toBe(faults.length === 0);
    expect(tookMs > 800_000).toBe(faults.length > 0);
  }
  const { run, network, world, seen } = streaming(forEver);
  const controller = new AbortController();
  world.after(5_000, 'cut', () => network.partition('*', ORIGIN, 'silent'));
  world.after(10_000, 'abort', () => controller.abort(new Error('no sign of the server')));
  expect(await run(reading([], controller.signal))).toBe('Error: no sign of the server');
  expect(seen.stoppedAt).toBeGreaterThan(800_000);
});

test('PLATFORM a reader that cancels is at the end, also with a read under way, and the server hears of it', async () => {
  const { run, world, seen } = streaming(forEver);
  const outcome = await run(async (fetch) => {
    const reader = (await fetch('/live')).body?.getReader();
    world.after(1_500, 'cancel', () => void reader?.cancel());
    let pieces = 0;
    while ((await reader?.read())?.done === false) pieces += 1;
    return pieces;
  });
  expect(outcome).toBe('2');
  expect(seen.stoppedAt).toBeLessThan(2_000);
});

test('PLATFORM a writer waits for a slow reader, and goes on when that has read', async () => {
  const written: boolean[] = [];
  const { run, seen } = streaming(async (sink) => {
    for (let i = 0; i < 8; i++) {
      written.push(sink.write(new Uint8Array(20_000)));
      await sink.drained();
    }
  });
  let read: (() => Promise<number>) | undefined;
  await run(async (fetch) => {
    const reader = (await fetch('/live')).body?.getReader();
    read = async () => (await reader?.read())?.value?.length ?? 0;
  }, 60_000);
  expect(written).toEqual([true, true, true, false]);
  expect(seen.sink?.isStalled()).toBe(true);
  expect(await run(async () => read?.(), 60_000)).toBe('20000');
  expect(written.length).toBe(5);
});

test('PLATFORM whenever its server dies, a reader hears of it, or can give up', async () => {
  const outcomes = new Set<string>();
  for (let seed = 1; seed <= 100; seed++) {
    const { run, world, server } = streaming(forEver, seed);
    world.after(seed, 'kill', () => world.kill(server));
    const controller = new AbortController();
    world.after(50_000, 'abort', () => controller.abort(new Error('no sign of the server')));
    outcomes.add(await run(reading([], controller.signal), 60_000));
  }
  expect(outcomes).toEqual(new Set(['TypeError: Failed to fetch: connection refused', RESET, 'Error: no sign of the server']));
});

test('PLATFORM a stream breaks with its server, its network and its program', async () => {
  const outcomes = new Set<string>();
  for (let seed = 1; seed <= 20; seed++) {
    const { run, world, server } = streaming(forEver, seed);
    world.after(5_000, 'kill', () => world.kill(server));
    outcomes.add(await run(reading([]), 60_000));
  }
  expect(outcomes).toEqual(new Set([RESET, 'nothing']));

  const cut = streaming(forEver);
  cut.world.after(5_000, 'cut', () => cut.network.partition('client', '*'));
  expect(await cut.run(reading([]), 60_000)).toBe('TypeError: Failed to fetch: no network');
  const quiet = streaming(() => new Promise(() => undefined));
  quiet.world.after(5_000, 'cut', () => quiet.network.partition('client', '*'));
  expect(await quiet.run(reading([]), 60_000)).toBe('TypeError: Failed to fetch: no network');

  const swallowed = streaming(forEver);
  swallowed.world.after(5_000, 'cut', () => swallowed.network.partition('client', '*', 'silent'));
  swallowed.world.after(9_000, 'heal', () => swallowed.network.heal());
  const pieces: string[] = [];
  expect(await swallowed.run(reading(pieces), 60_000)).toBe('nothing');
  expect(pieces.length).toBeLessThan(7);

  const left = new Set<boolean>();
  for (let seed = 1; seed <= 20; seed++) {
    const { run, world, client, seen } = streaming(forEver, seed);
    world.after(5_000, 'kill', () => world.kill(client));
    const got: string[] = [];
    expect(await run(reading(got), 60_000)).toBe('nothing');
    expect(got.length).toBeLessThan(7);
    left.add(seen.stoppedAt === undefined);
  }
  // A killed program's connections are closed by its system; a machine without power closes nothing.
  expect(left).toEqual(new Set([true, false]));
});

test('PLATFORM a stream that is asked for and never shown fills up or is let go', async () => {
  const flood = async (sink: SimSink): Promise<void> => {
    while (sink.write(new Uint8Array(10_000))) await Promise.resolve();
    await sink.drained();
  };
  const halfOpen = streaming(flood);
  halfOpen.network.setFault('*', '*', { kind: 'half-open', chance: 1, reaches: true });
  expect(await halfOpen.run(reading([]), 60_000)).toBe('nothing');
  expect([halfOpen.seen.sink?.isStalled(), halfOpen.seen.stoppedAt]).toEqual([true, undefined]);

  const lost = streaming(forEver);
  lost.network.setFault('*', '*', { kind: 'drop-response', chance: 1, afterMs: 1_000 });
  expect(await lost.run(reading([]), 60_000)).toBe(LOST);
  expect(lost.seen.stoppedAt).toBeLessThan(1_000);
});
