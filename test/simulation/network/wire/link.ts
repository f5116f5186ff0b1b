import type { SimRandom } from '../../world/random.ts';
import type { NetworkFault } from '../fault.ts';
import type { Connection } from './connection.ts';

export interface LinkProfile {
  /** One way, ms. */
  readonly minMs: number;
  readonly maxMs: number;
  readonly bytesPerSecond?: number;
}

export interface Traffic {
  readonly requests: number;
  /** Of bodies, as the program sent them. */
  readonly up: number;
  /** Of bodies, as the server sent them, arrived or not. */
  readonly down: number;
}

/** How a partition looks from the machine: no network, or a network that swallows everything. */
export type PartitionKind = 'refused' | 'silent';

/** Everything between one machine and one origin. */
export interface Link {
  readonly name: string;
  readonly machine: string;
  readonly origin: string;
  /** For delays and sizes. */
  readonly random: SimRandom;
  /** For the question whether a fault hits: removing a fault leaves the link's delays as they were. */
  readonly faultRandom: SimRandom;
  readonly traffic: { requests: number; up: number; down: number };
  readonly open: Set<Connection>;
  /** Requests that wait to be overtaken. */
  readonly held: (() => void)[];
  profile: LinkProfile;
  faults: readonly NetworkFault[];
  partition: PartitionKind | undefined;
}

const DEFAULT_PROFILE: LinkProfile = { minMs: 5, maxMs: 60 };

export interface Links {
  readonly get: (machine: string, origin: string) => Link;
  readonly matching: (machine: string, origin: string) => Link[];
  readonly setProfile: (machine: string, origin: string, profile: LinkProfile | undefined) => void;
  readonly setFault: (machine: string, origin: string, fault: NetworkFault | undefined) => void;
  readonly setPartition: (machine: string, origin: string, how: PartitionKind | undefined) => void;
  /** Ends every fault and every partition. */
  readonly heal: () => void;
}

/** Links come to be when they are first used; `*` stands for every machine or every origin, present and future. */
export function createLinks(random: SimRandom): Links {
  const links = new Map<string, Link>();
  const profiles = new Map<string, LinkProfile>();
  const faults = new Map<string, NetworkFault>();
  const partitions = new Map<string, PartitionKind>();

  const keyOf = (machine: string, origin: string): string => `${machine} > ${origin}`;

  /** From the particular to the general. */
  function find<T>({ machine, origin }: Link, table: ReadonlyMap<string, T>): T[] {
    const keys = [keyOf(machine, origin), keyOf(machine, '*'), keyOf('*', origin), keyOf('*', '*')];
    return keys.map((key) => table.get(key)).filter((value) => value !== undefined);
  }

  function refresh(link: Link): void {
    link.profile = find(link, profiles)[0] ?? DEFAULT_PROFILE;
    link.faults = find(link, faults);
    link.partition = find(link, partitions)[0];
  }

  function get(machine: string, origin: string): Link {
    const name = keyOf(machine, origin);
    const known = links.get(name);
    if (known !== undefined) return known;
    const own = random.fork(name);
    const link: Link = {
      name,
      machine,
      origin,
      random: own,
      faultRandom: own.fork('faults'),
      traffic: { requests: 0, up: 0, down: 0 },
      open: new Set(),
      held: [],
      profile: DEFAULT_PROFILE,
      faults: [],
      partition: undefined,
    };
    refresh(link);
    links.set(name, link);
    return link;
  }

  const set =
    <T>(table: Map<string, T>) =>
    (machine: string, origin: string, value: T | undefined): void => {
      if (value === undefined) table.delete(keyOf(machine, origin));
      else table.set(keyOf(machine, origin), value);
      for (const link of links.values()) refresh(link);
    };

  return {
    get,
    matching: (machine, origin) =>
      [...links.values()].filter(
        (link) => (machine === '*' || link.machine === machine) && (origin === '*' || link.origin === origin),
      ),
    setProfile: set(profiles),
    setFault: set(faults),
    setPartition: set(partitions),
    heal() {
      faults.clear();
      partitions.clear();
      for (const link of links.values()) refresh(link);
    },
  };
}

/** One way for so many bytes, ms. */
export function crossingMs({ profile, random }: Link, bytes: number): number {
  const { minMs, maxMs, bytesPerSecond } = profile;
  const transferMs = bytesPerSecond === undefined ? 0 : (bytes / bytesPerSecond) * 1000;
  return random.between(minMs, maxMs) + transferMs;
}
