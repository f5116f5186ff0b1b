import { createWorld } from '../world/world.ts';
import type { SimProcess } from '../world/process.ts';
import type { World } from '../world/world.ts';
import type { NetworkFault } from './fault.ts';
import type { SimHandler } from './http.ts';
import type { SimFetch, SimNetwork } from './network.ts';
import { createNetwork } from './network.ts';

export const ORIGIN = 'https://server.sim';
const encoder = new TextEncoder();
export const bytesOf = (text: string): Uint8Array => encoder.encode(text);

/** A server that says what it was asked, a machine that asks, and the network between them. */
export interface Stage {
  readonly world: World;
  readonly network: SimNetwork;
  readonly server: SimProcess;
  readonly client: SimProcess;
  /** Bodies in the order in which the server got them. */
  readonly got: string[];
  readonly fetch: SimFetch;
  /** Runs a program on the machine `client` to its end, or so many virtual ms. */
  readonly run: (program: (fetch: SimFetch) => Promise<unknown>, forMs?: number) => Promise<string>;
}

const echo = (got: string[]): SimHandler => {
  return async ({ body }) => {
    got.push(new TextDecoder().decode(body));
    return { status: 200, headers: { 'content-type': 'application/x' }, body: bytesOf(`answer to ${got.at(-1)}`) };
  };
};

export function stage(seed = 1, handler?: SimHandler): Stage {
  const world = createWorld({ seed, keptLines: 10_000 });
  const network = createNetwork({ world, random: world.random.fork('network') });
  const got: string[] = [];
  const server = world.spawn({ name: 'server/main', globals: {} }, () => undefined);
  const client = world.spawn({ name: 'client/page', globals: {} }, () => undefined);
  network.serve(ORIGIN, server, handler ?? echo(got));
  const fetch = network.fetchFor('client', ORIGIN);
  async function run(program: (fetch: SimFetch) => Promise<unknown>, forMs = 3_600_000): Promise<string> {
    let outcome = 'nothing';
    world.after(
      0,
      'program',
      () =>
        void program(fetch).then(
          (value) => (outcome = JSON.stringify(value) ?? 'undefined'),
          (error: unknown) => (outcome = String(error)),
        ),
      client,
    );
    await world.run(world.now() + forMs);
    return outcome;
  }
  return { world, network, server, client, got, fetch, run };
}

export const post = (fetch: SimFetch, body = 'a'): Promise<string> =>
  fetch('/sync', { method: 'POST', body: bytesOf(body), redirect: 'error' }).then((response) => response.text());

/** Resolves by the world, whoever is dead by then. */
export const pause = (world: World, ms: number): Promise<void> =>
  new Promise((resolve) => {
    world.after(ms, 'pause', resolve);
  });

/** What a program gets to see on a link with a fault that hits every request. */
export async function under(
  fault: NetworkFault,
  program: (fetch: SimFetch) => Promise<unknown> = post,
  handler?: SimHandler,
): Promise<Stage & { outcome: string }> {
  const made = stage(7, handler);
  made.network.setFault('client', '*', fault);
  return { ...made, outcome: await made.run((fetch) => program(fetch)) };
}

export const LOST = 'TypeError: Failed to fetch: connection lost';
export const RESET = 'TypeError: Failed to fetch: connection reset';
