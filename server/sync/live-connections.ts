import type { LogRange } from '../../core/log/version-vector.ts';

/** Who holds a live connection, in which space. */
export interface LiveParty {
  readonly account: string;
  readonly device: string;
  /** Which of the lives of the device, and of its copies; undefined: it did not say. */
  readonly life: string | undefined;
  readonly space: string;
}

export interface LiveConnection {
  readonly party: LiveParty;
  readonly noteCarried: (ranges: readonly LogRange[]) => void;
  readonly end: () => void;
}

/** The live connections of a server: a bounded number (CAP3). */
export interface LiveConnections {
  /** Undefined when there is no room. */
  readonly add: (connection: LiveConnection) => (() => void) | undefined;
  readonly count: () => number;
  /** Whether the device has a connection, whichever of its lives holds it. */
  readonly isLive: (party: Omit<LiveParty, 'life'>) => boolean;
  /** A life's request carried these: its own live connections need not send them back. */
  readonly noteCarried: (party: LiveParty, ranges: readonly LogRange[]) => void;
  readonly endAll: () => void;
}

export function createLiveConnections(maxConnections: number): LiveConnections {
  const byParty = new Map<string, Set<LiveConnection>>();
  let count = 0;

  function add(connection: LiveConnection): (() => void) | undefined {
    if (count >= maxConnections) return undefined;
    count += 1;
    const name = partyName(connection.party);
    const connections = byParty.get(name) ?? new Set();
    byParty.set(name, connections);
    connections.add(connection);
    return () => {
      if (!connections.delete(connection)) return;
      count -= 1;
      if (connections.size === 0 && byParty.get(name) === connections) byParty.delete(name);
    };
  }

  return {
    add,
    count: () => count,
    isLive: (party) => byParty.has(partyName(party)),
    noteCarried(party, ranges) {
      if (party.life === undefined) return;
      for (const connection of byParty.get(partyName(party)) ?? []) {
        if (connection.party.life === party.life) connection.noteCarried(ranges);
      }
    },
    endAll() {
      for (const connections of byParty.values()) for (const connection of connections) connection.end();
    },
  };
}

function partyName({ account, device, space }: Omit<LiveParty, 'life'>): string {
  return JSON.stringify([account, device, space]);
}
