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

export async function createTcpGate(upstreamPort: number | null = null): Promise<TcpGate> {
  const log = createEventLog<GateEvents>('tcp gate');
  const links = new Set<Link>();
  let mode: GateMode = { kind: 'pass' };
  let upstream = upstreamPort;
  let cutBudget = 0;
  let connections = 0;

  // Paused until the link is wired: `allowHalfOpen` lets a client that ended its request still read the answer.
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (client) => {
    const connection = ++connections;
    client.on('error', ignore);
    log.note('connect', { connection });
    if (mode.kind === 'reset' || upstream === null) client.resetAndDestroy();
    else openLink(connection, client, upstream);
  });
  const port = await listenOnLastingPort(server);

  function openLink(connection: number, client: Socket, toPort: number): void {
    const link: Link = {
      connection,
      client,
      server: connect({ port: toPort, host: '127.0.0.1', allowHalfOpen: true }),
      bytes: { toServer: 0, toClient: 0 },
    };
    links.add(link);
    let connected = false;
    link.server.on('connect', () => (connected = true));
    link.server.on('error', (error: NodeJS.ErrnoException) => {
      if (!connected) log.note('unreachable', { connection, code: error.code ?? '' });
      client.resetAndDestroy();
    });
    for (const socket of [client, link.server]) socket.on('close', () => closeLink(link));
    forward(link, 'toServer', client, link.server);
    forward(link, 'toClient', link.server, client);
    if (mode.kind === 'stall') pause(link);
    else resume(link);
  }

  function forward(link: Link, direction: GateDirection, from: Socket, to: Socket): void {
    from.on('data', (chunk) => {
      const allowed = allowance(direction, chunk.length);
      const part = chunk.subarray(0, allowed);
      link.bytes[direction] += part.length;
      if (allowed < chunk.length) {
        log.note('cut', { connection: link.connection, direction });
        // A reset would overtake bytes still in our hands: let the last ones leave first.
        if (part.length === 0) reset(link);
        else to.write(part, () => reset(link));
        from.pause();
        return;
      }
      if (!to.write(part)) {
        from.pause();
        to.once('drain', () => {
          if (mode.kind !== 'stall') from.resume();
        });
      }
    });
    from.on('end', () => to.end());
  }

  function allowance(direction: GateDirection, wanted: number): number {
    if (mode.kind !== 'cut' || mode.direction !== direction) return wanted;
    const allowed = Math.min(wanted, cutBudget);
    cutBudget -= allowed;
    return allowed;
  }

  function closeLink(link: Link): void {
    if (!links.delete(link)) return;
    link.client.destroy();
    link.server.destroy();
    log.note('close', {
      connection: link.connection,
      toServerBytes: link.bytes.toServer,
      toClientBytes: link.bytes.toClient,
    });
  }

  async function set(next: GateMode): Promise<void> {
    mode = next;
    if (next.kind === 'cut') cutBudget = next.afterBytes;
    if (next.kind === 'refuse' || next.kind === 'reset') for (const link of links) reset(link);
    if (next.kind === 'refuse') await closeServer(server);
    else if (!server.listening) await listen(server, port);
    const flow = next.kind === 'stall' ? pause : resume;
    for (const link of links) flow(link);
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
      for (const link of links) reset(link);
      await closeServer(server);
    },
  };
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
