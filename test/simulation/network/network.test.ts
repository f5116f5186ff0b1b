import { expect, test } from 'vitest';
import type { NetworkFault } from './fault.ts';
import type { SimHandler } from './http.ts';
import type { SimFetch } from './network.ts';
import { bytesOf, LOST, ORIGIN, pause, post, RESET, stage, under } from './stage.ts';

test('PLATFORM a request crosses the network and its answer comes back', async () => {
  const { run, got, network } = stage();
  expect(await run((fetch) => post(fetch))).toBe('"answer to a"');
  expect(got).toEqual(['a']);
  expect(network.bytes()).toEqual({ requests: 1, up: 1, down: 11 });
});

/** Status, type and body. */
const head = async (fetch: SimFetch): Promise<string> => {
  const response = await fetch('/sync', { method: 'POST', body: 'abc', headers: { accept: 'application/x' } });
  return [
    response.status,
    response.headers.get('Content-Type'),
    response.headers.get('retry-after'),
    (await response.text()).length,
  ].join(' ');
};

test('PLATFORM a dropped request never arrives, a dropped response does not undo what was done', async () => {
  const request = await under({ kind: 'drop-request', chance: 1, afterMs: 100 });
  expect([request.outcome, request.got]).toEqual([LOST, []]);
  const response = await under({ kind: 'drop-response', chance: 1, afterMs: 100 });
  expect([response.outcome, response.got]).toEqual([LOST, ['a']]);
});

test('PLATFORM a duplicate arrives twice and is answered once', async () => {
  const { outcome, got } = await under({ kind: 'duplicate', chance: 1, lateMs: 5_000 });
  expect([outcome, got]).toEqual(['"answer to a"', ['a', 'a']]);
});

test('PLATFORM a request is overtaken by the next one, or goes on after a while', async () => {
  const arrivals: string[] = [];
  const { run, world, network } = stage(3, async ({ body }) => {
    arrivals.push(`${new TextDecoder().decode(body)} after ${Math.floor(world.now() / 1_000)} s`);
    return { status: 200, headers: {}, body };
  });
  network.setFault('*', ORIGIN, { kind: 'reorder', chance: 1, mostMs: 60_000 });
  await run((fetch) => post(fetch, 'first'), 5_000);
  network.setFault('*', ORIGIN, undefined);
  await run((fetch) => post(fetch, 'second'), 5_000);
  network.setFault('*', ORIGIN, { kind: 'reorder', chance: 1, mostMs: 60_000 });
  expect(await run((fetch) => post(fetch, 'third'))).toBe('"third"');
  expect(arrivals).toEqual(['second after 5 s', 'first after 5 s', 'third after 70 s']);
});

test('PLATFORM a half-open connection says nothing until it is aborted', async () => {
  const silent = (fetch: SimFetch): Promise<unknown> => {
    const controller = new AbortController();
    return Promise.race([fetch('/x', { signal: controller.signal }), new Promise(() => undefined)]);
  };
  expect((await under({ kind: 'half-open', chance: 1, reaches: true })).got).toEqual(['a']);
  const { outcome, got, network, run, world } = await under({ kind: 'half-open', chance: 1, reaches: false }, silent);
  expect([outcome, got]).toEqual(['nothing', []]);
  const aborted = await run((fetch) => {
    const controller = new AbortController();
    world.after(500, 'abort', () => controller.abort(new Error('no sign of the server')));
    return fetch('/x', { signal: controller.signal });
  });
  expect(aborted).toBe('Error: no sign of the server');
  expect(network.bytes('client').requests).toBe(2);
});

test('PLATFORM a body is cut at a byte, with an error or as if it were whole', async () => {
  const loud = await under({ kind: 'truncate', chance: 1, silent: false });
  expect(loud.outcome).toBe(RESET);
  const { outcome } = await under({ kind: 'truncate', chance: 1, silent: true });
  expect('answer to a'.startsWith(JSON.parse(outcome))).toBe(true);
  expect(outcome.length).toBeLessThan('"answer to a"'.length);
});

test('PLATFORM a connection is reset while sending, answering or reading', async () => {
  const sending = await under({ kind: 'reset', chance: 1, when: 'sending' });
  expect([sending.outcome, sending.got]).toEqual([LOST, []]);
  const answering = await under({ kind: 'reset', chance: 1, when: 'answering' });
  expect([answering.outcome, answering.got]).toEqual([LOST, ['a']]);
  const reading = await under({ kind: 'reset', chance: 1, when: 'reading' });
  expect([reading.outcome, reading.got]).toEqual([RESET, ['a']]);
});

test('PLATFORM what stands in between answers in place of the server', async () => {
  const seen = async (fault: NetworkFault): Promise<[string, number]> => {
    const { outcome, got } = await under(fault, head);
    return [JSON.parse(outcome), got.length];
  };
  expect(await seen({ kind: 'captive-portal', chance: 1, says: 'html' })).toEqual([
    '200 text/html; charset=utf-8  40',
    0,
  ]);
  expect((await seen({ kind: 'captive-portal', chance: 1, says: 'garbage' }))[0]).toMatch(
    /^200 application\/x {2}\d+$/,
  );
  expect(await seen({ kind: 'captive-portal', chance: 1, says: 'empty' })).toEqual(['200 application/x  0', 0]);
  expect((await seen({ kind: 'proxy-error', chance: 1, status: 502, reaches: false }))[1]).toBe(0);
  const late = await seen({ kind: 'proxy-error', chance: 1, status: 504, reaches: true });
  expect(late).toEqual([expect.stringMatching(/^504 /), 1]);
  expect((await seen({ kind: 'proxy-limit', chance: 1, maxBodyBytes: 2 }))[0]).toMatch(/^413 /);
  expect((await seen({ kind: 'proxy-limit', chance: 1, maxBodyBytes: 3 }))[0]).toMatch(/^200 /);
  const busy = await seen({ kind: 'busy', chance: 1, status: 429, retryAfterS: 17 });
  expect(busy).toEqual([expect.stringMatching(/^429 text\/html; charset=utf-8 17 /), 0]);
});

test('PLATFORM a redirect to a login page is refused, shown or followed, as the program wishes', async () => {
  const fault: NetworkFault = { kind: 'login-redirect', chance: 1 };
  expect((await under(fault)).outcome).toBe('TypeError: Failed to fetch: redirected');
  const wish = (redirect: string) => async (fetch: SimFetch) => {
    const { status, type, redirected, url } = await fetch('/x', { redirect });
    return `${status} ${type} ${redirected} ${url}`;
  };
  expect((await under(fault, wish('manual'))).outcome).toBe(`"0 opaqueredirect false ${ORIGIN}/x"`);
  expect((await under(fault, wish('follow'))).outcome).toBe('"200 basic true https://login.sim/"');
});

test('PLATFORM delays, drips and shreds change when a body comes and in which pieces, never what it holds', async () => {
  const long = bytesOf('0123456789'.repeat(100));
  const handler: SimHandler = async () => ({ status: 200, headers: {}, body: long });
  const faults: NetworkFault[] = [
    { kind: 'delay', chance: 1, minMs: 1_000, maxMs: 2_000 },
    { kind: 'drip', chance: 1, pieceBytes: 7, everyMs: 100 },
    { kind: 'shred', chance: 1, mostMs: 1_000 },
  ];
  for (const fault of faults) {
    let pieces = 0;
    for (const seed of [1, 2, 3, 4, 5]) {
      const { network, run } = stage(seed, handler);
      network.setFault('*', '*', fault);
      let text = '';
      await run(async (fetch) => {
        const reader = (await fetch('/x')).body?.getReader();
        for (;;) {
          const { done, value } = (await reader?.read()) ?? { done: true };
          if (done) return;
          pieces += 1;
          text += new TextDecoder().decode(value);
        }
      });
      expect(text, fault.kind).toBe('0123456789'.repeat(100));
    }
    expect(pieces > 5, fault.kind).toBe(fault.kind !== 'delay');
  }
});

test('PLATFORM a dead server refuses connections, and what it was asked for breaks or falls silent', async () => {
  const never: SimHandler = () => new Promise(() => undefined);
  const outcomes = new Set<string>();
  for (let seed = 1; seed <= 20; seed++) {
    const { run, world, server } = stage(seed, never);
    world.after(500, 'kill', () => world.kill(server));
    outcomes.add(await run((fetch) => fetch('/x')));
    expect(await run((fetch) => fetch('/x'))).toBe('TypeError: Failed to fetch: connection refused');
    const late = stage(seed, async ({ body }) => {
      await pause(late.world, 1_000);
      return { status: 200, headers: {}, body };
    });
    late.world.after(500, 'kill', () => late.world.kill(late.server));
    outcomes.add(await late.run((fetch) => post(fetch)));
  }
  expect(outcomes).toEqual(new Set([RESET, 'nothing']));
});

test('PLATFORM nothing is delivered to a dead program, and the server goes on without it', async () => {
  const { run, world, client, got } = stage();
  const sent = run((fetch) => post(fetch), 3);
  await sent;
  world.kill(client);
  await world.run(10_000);
  expect(got).toEqual(['a']);
  expect(world.traceLines().filter((line) => line.endsWith(' 200'))).toEqual([]);

  const undead = stage();
  undead.world.after(500, 'kill', () => undead.world.kill(undead.client));
  const speak = (fetch: SimFetch): Promise<string> => pause(undead.world, 1_000).then(() => post(fetch));
  expect([await undead.run(speak), undead.got]).toEqual(['nothing', []]);
});

test('PLATFORM a partition refuses or swallows until it is healed', async () => {
  const { run, network, got } = stage();
  network.partition('client', '*');
  expect(await run((fetch) => post(fetch))).toBe('TypeError: Failed to fetch: no network');
  network.partition('client', '*', 'silent');
  expect(await run((fetch) => post(fetch))).toBe('nothing');
  expect([network.isPartitioned('client', ORIGIN), network.isPartitioned('other', ORIGIN)]).toEqual([true, false]);
  network.heal();
  expect(await run((fetch) => post(fetch))).toBe('"answer to a"');
  expect(got).toEqual(['a']);
});

test('PLATFORM a request is aborted before and while it is under way, as fetch has it', async () => {
  const { run, world, got } = stage();
  expect(await run((fetch) => fetch('/x', { signal: AbortSignal.abort(new Error('before')) }))).toBe('Error: before');
  expect(got).toEqual([]);
  const during = await run((fetch) => {
    const controller = new AbortController();
    world.after(2, 'abort', () => controller.abort(new Error('during')));
    return fetch('/x', { method: 'POST', body: 'b', signal: controller.signal });
  });
  expect([during, got]).toEqual(['Error: during', ['b']]);
});
