import { createServer, connect } from 'node:net';
import type { Socket } from 'node:net';

import { createEventLog } from './parts/event-log.ts';
import type { EventLog } from './parts/event-log.ts';
import { closeServer, listen, listenOnLastingPort } from './parts/listen.ts';

export type GateDirection = 'toServer' | 'toClient';

/**
 * - `pass`: bytes go through.
 * - `refuse`: the port is closed (ECONNREFUSED); open connections are reset.
 * - `reset`: connections are accepted, then reset.
 * - `stall`: connections are accepted and stay silent; bytes wait in the sockets and go on at the next `pass`.
 * - `cut`: `afterBytes` more bytes pass in that direction, counted over all connections; the connection that carries the
 *   byte after them is reset, and so is every later one that sends in that direction, until the next `set`.
 */
export type GateMode =
  | { readonly kind: 'pass' | 'refuse' | 'reset' | 'stall' }
  | { readonly kind: 'cut'; readonly direction: GateDirection; readonly afterBytes: number };

export interface GateEvents {
  connect: { readonly connection: number };
  close: { readonly connection: number; readonly toServerBytes: number; readonly toClientBytes: number };
  cut: { readonly connection: number; readonly direction: GateDirection };
  /** The server behind the gate could not be reached; the client was reset. */
  unreachable: { readonly connection: number; readonly code: string };
}

/** A door between a browser and a server: the network's misfortunes, for every engine and for the server's restarts. */
export interface TcpGate {
  readonly port: number;
  readonly origin: string;
  readonly log: EventLog<GateEvents>;
  set(mode: GateMode | 'pass' | 'refuse' | 'reset' | 'stall'): Promise<void>;
  /** New connections go to this port of 127.0.0.1; null: there is no server, clients are reset. */
  setUpstream(port: number | null): void;
  close(): Promise<void>;
}

interface Link {
  readonly connection: number;
  readonly client: Socket;
  readonly server: Socket;
  readonly bytes: Record<GateDirection, number>;
}

/** What the gate's connections share: how they behave now, and where they tell of it. */
interface Gatekeeper {
  readonly log: EventLog<GateEvents>;
  readonly links: Set<Link>;
  mode: GateMode;
  /** Bytes that may still pass in the direction of a `cut`. */
  cutBudget: number;
}

export async function createTcpGate(upstreamPort: number | null = null): Promise<TcpGate> {
  const log = createEventLog<GateEvents>('tcp gate');
  const keeper: Gatekeeper = { log, links: new Set(), mode: { kind: 'pass' }, cutBudget: 0 };
  let upstream = upstreamPort;
  let connections = 0;

  // Paused until the link is wired: `allowHalfOpen` lets a client that ended its request still read the answer.
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (client) => {
    const connection = ++connections;
    client.on('error', ignore);
    log.note('connect', { connection });
    if (keeper.mode.kind === 'reset' || upstream === null) client.resetAndDestroy();
    else openLink(keeper, connection, client, upstream);
  });
  const port = await listenOnLastingPort(server);

  async function set(mode: GateMode): Promise<void> {
    keeper.mode = mode;
    if (mode.kind === 'cut') keeper.cutBudget = mode.afterBytes;
    if (mode.kind === 'refuse' || mode.kind === 'reset') for (const link of keeper.links) reset(link);
    if (mode.kind === 'refuse') await closeServer(server);
    else if (!server.listening) await listen(server, port);
    const flow = mode.kind === 'stall' ? pause : resume;
    for (const link of keeper.links) flow(link);
  }

  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    log,
    set: (next) => set(typeof next === 'string' ? { kind: next } : next),
    setUpstream(next) {
      upstream = next;
    },
    async close() {
      for (const link of keeper.links) reset(link);
      await closeServer(server);
    },
  };
}

function openLink(keeper: Gatekeeper, connection: number, client: Socket, toPort: number): void {
  const server = connect({ port: toPort, host: '127.0.0.1', allowHalfOpen: true });
  const link: Link = { connection, client, server, bytes: { toServer: 0, toClient: 0 } };
  keeper.links.add(link);
  let connected = false;
  server.on('connect', () => (connected = true));
  server.on('error', (error: NodeJS.ErrnoException) => {
    if (!connected) keeper.log.note('unreachable', { connection, code: error.code ?? '' });
    client.resetAndDestroy();
  });
  for (const socket of [client, server]) socket.on('close', () => closeLink(keeper, link));
  forward(keeper, link, 'toServer', client, server);
  forward(keeper, link, 'toClient', server, client);
  if (keeper.mode.kind === 'stall') pause(link);
  else resume(link);
}

function forward(keeper: Gatekeeper, link: Link, direction: GateDirection, from: Socket, to: Socket): void {
  from.on('data', (chunk) => {
    const allowed = allowance(keeper, direction, chunk.length);
    const part = chunk.subarray(0, allowed);
    link.bytes[direction] += part.length;
    if (allowed < chunk.length) {
      from.pause();
      keeper.log.note('cut', { connection: link.connection, direction });
      // A reset would overtake bytes still in our hands: let the last ones leave first.
      if (part.length === 0) reset(link);
      else to.write(part, () => reset(link));
    } else if (!to.write(part)) {
      from.pause();
      to.once('drain', () => {
        if (keeper.mode.kind !== 'stall') from.resume();
      });
    }
  });
  from.on('end', () => to.end());
}

function allowance(keeper: Gatekeeper, direction: GateDirection, wanted: number): number {
  const { mode } = keeper;
  if (mode.kind !== 'cut' || mode.direction !== direction) return wanted;
  const allowed = Math.min(wanted, keeper.cutBudget);
  keeper.cutBudget -= allowed;
  return allowed;
}

function closeLink({ links, log }: Gatekeeper, link: Link): void {
  if (!links.delete(link)) return;
  link.client.destroy();
  link.server.destroy();
  const { connection, bytes } = link;
  log.note('close', { connection, toServerBytes: bytes.toServer, toClientBytes: bytes.toClient });
}

function reset(link: Link): void {
  link.client.resetAndDestroy();
  link.server.resetAndDestroy();
}

function pause(link: Link): void {
  link.client.pause();
  link.server.pause();
}

function resume(link: Link): void {
  link.client.resume();
  link.server.resume();
}

// Resets are this module's business; the sockets' own complaints about them say nothing new.
function ignore(): void {}
