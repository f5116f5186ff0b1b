import type { SimProcess } from '../world/process.ts';
import { presentProcess } from '../world/process.ts';
import type { SimRandom } from '../world/random.ts';
import type { World } from '../world/world.ts';
import type { Connection } from './wire/connection.ts';
import { noAnswer } from './wire/connection.ts';
import type { Answer, Server } from './wire/exchange.ts';
import { exchange } from './wire/exchange.ts';
import type { NetworkFault } from './fault.ts';
import type { FetchAsked, FetchInit, RequestLike } from './wire/fetch-input.ts';
import { readFetchInput } from './wire/fetch-input.ts';
import type { SimHandler } from './http.ts';
import type { LinkProfile, PartitionKind, Traffic } from './wire/link.ts';
import { createLinks } from './wire/link.ts';
import { LOGIN_URL, page } from './wire/plan.ts';
import type { SimFetchResponse } from './wire/sim-response.ts';
import { createSimResponse } from './wire/sim-response.ts';

export type SimFetch = (input: string | URL | RequestLike, init?: FetchInit) => Promise<SimFetchResponse>;

/** The network between the machines of a world. Where a machine or an origin is asked for, `*` stands for each. */
export interface SimNetwork {
  /** A process answers for an origin, in place of whoever did before; once it is dead, connections are refused. */
  readonly serve: (origin: string, process: SimProcess, handler: SimHandler) => void;
  /** The global `fetch` of a machine's programs; `base` is what relative addresses are relative to. */
  readonly fetchFor: (machine: string, base?: string) => SimFetch;
  readonly setProfile: (machine: string, origin: string, profile: LinkProfile | undefined) => void;
  /** One fault for each pair; a request meets those of all pairs that match it. */
  readonly setFault: (machine: string, origin: string, fault: NetworkFault | undefined) => void;
  /** Nothing passes; connections that are open end with an error (`refused`) or are silent for ever. */
  readonly partition: (machine: string, origin: string, how?: PartitionKind) => void;
  /** Ends a partition. */
  readonly mend: (machine: string, origin: string) => void;
  readonly isPartitioned: (machine: string, origin: string) => boolean;
  /** Requests of the machine to the origin are answered by whoever serves another one; undefined: as they should be. */
  readonly divert: (machine: string, origin: string, to: string | undefined) => void;
  /** Ends all partitions, faults and diversions; what they have lost stays lost. */
  readonly heal: () => void;
  /** Called when partitions begin or end. */
  readonly onChange: (listener: () => void) => void;
  /** What went over the links so far; default: over all of them. */
  readonly bytes: (machine?: string, origin?: string) => Traffic;
}

export interface NetworkOptions {
  readonly world: World;
  readonly random: SimRandom;
}

const MOST_REDIRECTS = 5;
const LOGIN_ORIGIN = new URL(LOGIN_URL).origin;
const BODILESS: readonly number[] = [101, 204, 205, 304];

export function createNetwork({ world, random }: NetworkOptions): SimNetwork {
  const links = createLinks(random);
  const servers = new Map<string, Server>();
  const listeners: (() => void)[] = [];
  const diversions = new Map<string, string>();
  const openByClient = new WeakMap<SimProcess, Set<Connection>>();

  function serverOf(origin: string): Server | undefined {
    const server = servers.get(origin);
    return server?.process.isAlive() === true ? server : undefined;
  }

  function openOf(client: SimProcess): Set<Connection> {
    const known = openByClient.get(client);
    if (known !== undefined) return known;
    const open = new Set<Connection>();
    openByClient.set(client, open);
    client.onDeath(() => {
      for (const connection of open) connection.died();
    });
    return open;
  }

  function send(asked: FetchAsked, machine: string, client: SimProcess | undefined): Promise<Answer> {
    const link = links.get(machine, asked.origin);
    const own = client === undefined ? undefined : openOf(client);
    return exchange({
      world,
      link,
      asked,
      client,
      server: () => serverOf(diversions.get(link.name) ?? asked.origin),
      register(connection) {
        own?.add(connection);
        link.open.add(connection);
        return () => {
          own?.delete(connection);
          link.open.delete(connection);
        };
      },
    });
  }

  async function follow(asked: FetchAsked, machine: string, redirects: number): Promise<SimFetchResponse> {
    const { url } = asked.request;
    const redirected = redirects > 0;
    if (asked.origin === LOGIN_ORIGIN) return loginPage(url);
    const { status, headers, source } = await send(asked, machine, presentProcess());
    const location = status >= 300 && status < 400 ? headers['location'] : undefined;
    if (location === undefined || asked.redirect === 'manual') {
      const isOpaque = location !== undefined;
      const hasBody = !isOpaque && !BODILESS.includes(status);
      const parts = { url, redirected, source: hasBody ? source : undefined };
      return createSimResponse({ ...parts, status: isOpaque ? 0 : status, headers: isOpaque ? {} : headers });
    }
    source.cancel();
    if (asked.redirect === 'error' || redirects >= MOST_REDIRECTS) throw noAnswer('redirected');
    const next = new URL(location, url);
    const keepsMethod = status === 307 || status === 308 || asked.request.method === 'HEAD';
    const kept = keepsMethod ? asked.request : { ...asked.request, method: 'GET', body: new Uint8Array(0) };
    return follow({ ...asked, origin: next.origin, request: { ...kept, url: next.href } }, machine, redirects + 1);
  }

  function loginPage(url: string): SimFetchResponse {
    const { status, headers, body } = page(200, '<!doctype html><title>Sign in</title>');
    const pieces = [body as Uint8Array];
    const read: Answer['source']['read'] = async () => {
      const value = pieces.shift();
      return value === undefined ? { done: true } : { done: false, value };
    };
    return createSimResponse({ status, headers, url, redirected: true, source: { read, cancel: () => undefined } });
  }

  return {
    serve(origin, process, handler) {
      const server: Server = { process, handler, open: new Set() };
      servers.set(origin, server);
      process.onDeath(() => {
        for (const connection of server.open) connection.serverDied();
      });
    },
    fetchFor:
      (machine, base) =>
      async (input, init = {}) => {
        // What a dead program still says, nobody hears, and it hears nothing.
        if (presentProcess()?.isAlive() === false) return new Promise(() => undefined);
        const asked = readFetchInput(input, init, base);
        return follow(asked instanceof Promise ? await asked : asked, machine, 0);
      },
    setProfile: links.setProfile,
    setFault: links.setFault,
    partition(machine, origin, how = 'refused') {
      links.setPartition(machine, origin, how);
      if (how === 'refused') {
        for (const link of links.matching(machine, origin))
          for (const connection of link.open) connection.breakOff(noAnswer('no network'));
      }
      for (const listener of listeners) listener();
    },
    mend(machine, origin) {
      links.setPartition(machine, origin, undefined);
      for (const listener of listeners) listener();
    },
    isPartitioned: (machine, origin) => links.get(machine, origin).partition !== undefined,
    divert(machine, origin, to) {
      const { name } = links.get(machine, origin);
      if (to === undefined) diversions.delete(name);
      else diversions.set(name, to);
    },
    heal() {
      links.heal();
      diversions.clear();
      for (const listener of listeners) listener();
    },
    onChange: (listener) => void listeners.push(listener),
    bytes(machine = '*', origin = '*') {
      const sum = { requests: 0, up: 0, down: 0 };
      for (const { traffic } of links.matching(machine, origin)) {
        sum.requests += traffic.requests;
        sum.up += traffic.up;
        sum.down += traffic.down;
      }
      return sum;
    },
  };
}
