import { expect, test } from 'vitest';
import type { NetworkFault } from './fault.ts';
import { NETWORK_FAULT_KINDS, randomFault } from './fault.ts';
import { PUSH_FAULT_KINDS, randomPushFault } from './push-fault.ts';
import { createPushService } from './push-service.ts';
import type { SimHandler } from './http.ts';
import { ORIGIN, stage } from './stage.ts';
import { toBase64Url } from '../../../core/log/bytes.ts';

/** Some of everything under faults that change; the trace, and what programs saw. */
async function anyRun(
  seed: number,
): Promise<{ readonly hash: string; readonly seen: string; readonly kinds: Set<string> }> {
  const handler: SimHandler = async ({ body, url }) => {
    if (!url.endsWith('/live')) return { status: 200, headers: {}, body };
    return {
      status: 200,
      headers: {},
      body: async (sink, stopped) => {
        for (let i = 0; i < 50; i++) {
          if (!sink.write(new Uint8Array(3_000))) await Promise.race([sink.drained(), stopped]);
        }
      },
    };
  };
  const { world, network, run, server } = stage(seed, handler);
  const push = createPushService({ world, network, random: world.random.fork('push') });
  const faults = world.random.fork('faults');
  const seen: string[] = [];
  const note = (text: string): void => void seen.push(`${world.now()} ${text}`);
  const browser = { name: 'client', deliver: note, changed: () => note('changed') };
  const key = toBase64Url(Uint8Array.from({ length: 65 }, () => 4));
  const kinds = new Set<string>();
  const once = async (fetch: Parameters<Parameters<typeof run>[0]>[0], path: string): Promise<void> => {
    const controller = new AbortController();
    world.after(120_000, 'abort', () => controller.abort(new Error('silence')));
    await fetch(path, { method: 'POST', body: 'x'.repeat(faults.int(3_000)), signal: controller.signal })
      .then(async (response) => note(`${response.status} ${(await response.text()).length}`))
      .catch((error: unknown) => note(String(error)));
  };
  await run(async (fetch) => {
    for (let round = 0; round < 60; round++) {
      const [fault, pushFault] = [randomFault(faults), randomPushFault(faults)];
      network.setFault('client', faults.pick(['*', ORIGIN]), fault);
      push.setFault('*', pushFault);
      kinds.add(fault.kind).add(pushFault.kind);
      if (faults.chance(0.1)) network.partition('client', '*', faults.pick(['silent', 'refused'] as const));
      else if (faults.chance(0.3)) network.heal();
      const subscription = await push.subscribe(browser, { applicationServerKey: key }).catch(() => undefined);
      const { endpoint = '', keys } = subscription?.toJSON() ?? {};
      world.after(
        0,
        'push',
        () => {
          push.post({ endpoint, p256dh: '', auth: '', ...keys }, 'data', 't').then(
            ({ status }) => note(`push ${status}`),
            (error: unknown) => note(String(error)),
          );
        },
        server,
      );
      await Promise.all(['/sync', '/sync', '/live'].map((path) => once(fetch, path)));
    }
  }, 100 * 3_600_000);
  return { hash: world.traceHash(), seen: seen.join('\n'), kinds };
}

test('PLATFORM one seed gives one run of the network and of the push service, another seed another', async () => {
  const hashes = new Set<string>();
  const kinds = new Set<string>();
  for (const seed of [1, 2, 3]) {
    const [first, second] = [await anyRun(seed), await anyRun(seed)];
    expect(second.seen).toBe(first.seen);
    expect(second.hash).toBe(first.hash);
    expect(first.seen.split('\n').length).toBeGreaterThan(180);
    hashes.add(first.hash);
    for (const kind of first.kinds) kinds.add(kind);
  }
  expect(hashes.size).toBe(3);
  expect([...NETWORK_FAULT_KINDS, ...PUSH_FAULT_KINDS].filter((kind) => !kinds.has(kind))).toEqual([]);
});

test('PLATFORM a fault that is taken away leaves the delays of the link as they were', async () => {
  const arrivals = async (fault: NetworkFault | undefined): Promise<number[]> => {
    const times: number[] = [];
    const { world, network, run } = stage(5, async () => {
      times.push(world.now());
      return { status: 200, headers: {}, body: new Uint8Array(1) };
    });
    network.setFault('*', '*', fault);
    await run(async (fetch) => {
      for (let i = 0; i < 10; i++) await (await fetch('/x')).text();
    });
    return times;
  };
  const fault: NetworkFault = { kind: 'captive-portal', chance: 0, says: 'html' };
  expect(await arrivals(fault)).toEqual(await arrivals(undefined));
});

test('PLATFORM a fault is data: as JSON it is the same fault', () => {
  const { world } = stage();
  for (const kind of NETWORK_FAULT_KINDS) {
    const fault = randomFault(world.random, kind);
    expect(JSON.parse(JSON.stringify(fault))).toEqual(fault);
    expect(fault.chance > 0 && fault.chance <= 1).toBe(true);
  }
});
