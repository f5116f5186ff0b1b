import type { FaultKind, Plan } from '../plan/plan.ts';
import type { NetworkFaultKind } from '../network/fault.ts';
import type { SimNetwork } from '../network/network.ts';
import type { SimProcess } from '../world/process.ts';
import { presentProcess } from '../world/process.ts';
import type { World } from '../world/world.ts';

/** So many sync requests of one program may fail within so long: people who insist are far from it (SYNC7). */
const MOST_FAILURES = 100;
const FAILURES_WITHIN_MS = 10_000;

/** What was seen of one program's sync requests. */
interface Seen {
  /** When the last ones failed. */
  failedAt: number[];
  /** The server asked not to be asked before. */
  pausedUntil: number;
}

/** A network that looks at how devices ask: that they wait when they are told to, and do not ask for ever in vain. */
export function watchRequests(network: SimNetwork, world: World, plan: Plan): SimNetwork {
  const seenBy = new WeakMap<SimProcess, Seen>();
  const obeys = mustObeyPauses(plan);

  function seenOf(program: SimProcess): Seen {
    const seen = seenBy.get(program) ?? { failedAt: [], pausedUntil: 0 };
    seenBy.set(program, seen);
    return seen;
  }

  function noteFailure(seen: Seen, machine: string): void {
    seen.failedAt.push(world.now());
    seen.failedAt = seen.failedAt.filter((at) => at > world.now() - FAILURES_WITHIN_MS);
    if (seen.failedAt.length > MOST_FAILURES) world.fail('SYNC7', `${machine} asked ${MOST_FAILURES} times in vain within ${FAILURES_WITHIN_MS / 1_000} s`);
  }

  return {
    ...network,
    fetchFor(machine, base) {
      const fetch = network.fetchFor(machine, base);
      return async (input, init) => {
        const program = presentProcess();
        if (program === undefined || typeof input !== 'string' || !input.endsWith('/sync')) return fetch(input, init);
        const seen = seenOf(program);
        if (obeys && world.now() < seen.pausedUntil) {
          world.fail('SYNC7', `${machine} asks ${Math.ceil(seen.pausedUntil - world.now())} ms before the pause ends that the server asked for`);
        }
        try {
          const response = await fetch(input, init);
          if (response.status !== 200) noteFailure(seen, machine);
          const seconds = response.status === 429 || response.status === 503 ? Number(response.headers.get('retry-after') ?? 0) : 0;
          seen.pausedUntil = world.now() + seconds * 1_000;
          return response;
        } catch (error) {
          noteFailure(seen, machine);
          throw error;
        }
      };
    },
  };
}

/**
 * Where nothing else may cut a pause short: a clock that jumps ends it early, an emptied store forgets it, and of an answer
 * whose body is hit by another fault the device may not have read the pause.
 */
function mustObeyPauses({ faults }: Plan): boolean {
  return !faults.some((fault) => EXCUSES.has(fault.kind) || (fault.kind === 'network' && BODY_FAULTS.has(fault.fault.kind)));
}

const EXCUSES: ReadonlySet<FaultKind> = new Set(['clock-jump', 'clock-freeze', 'evict', 'disk-error', 'byzantine', 'lying-server', 'disk-stall']);
const BODY_FAULTS: ReadonlySet<NetworkFaultKind> = new Set(['truncate', 'reset', 'drip', 'shred', 'stream-end', 'drop-response', 'half-open', 'delay', 'captive-portal']);
