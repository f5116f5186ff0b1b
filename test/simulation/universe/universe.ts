import type { PageScope } from '../../../core/protocol/page-messages.ts';
import { enterWorld } from '../world/globals.ts';
import type { SimCrypto } from '../world/sim-crypto.ts';
import type { World } from '../world/world.ts';
import { createWorld } from '../world/world.ts';
import type { AcknowledgementWatch } from '../checks/watch-acknowledgements.ts';
import { createAcknowledgementWatch } from '../checks/watch-acknowledgements.ts';
import { watchCursors } from '../checks/watch-cursors.ts';
import { watchRequests } from '../checks/watch-requests.ts';
import type { Ledger } from '../checks/ledger.ts';
import { createLedger } from '../checks/ledger.ts';
import type { BrowserDisk } from '../disk/browser-disk.ts';
import { createBrowserDisk } from '../disk/browser-disk.ts';
import type { SimNetwork } from '../network/network.ts';
import { createNetwork } from '../network/network.ts';
import type { PushService } from '../network/push-service.ts';
import { createPushService } from '../network/push-service.ts';
import type { Plan } from '../plan/plan.ts';
import { cryptographyOf, ORIGIN } from '../workload/worker-options.ts';
import type { Machine } from './machine.ts';
import { createMachine } from './machine.ts';
import type { ServerMachine } from './server-machine.ts';
import { createServerMachine } from './server-machine.ts';

/** Everything of one run: the world, who lives in it, and what its users were told. */
export interface Universe {
  readonly plan: Plan;
  readonly world: World;
  readonly network: SimNetwork;
  readonly push: PushService;
  readonly cryptography: SimCrypto;
  readonly server: ServerMachine;
  readonly ledger: Ledger;
  readonly acknowledgements: AcknowledgementWatch;
  /** Grows when a profile is cloned. */
  readonly machines: readonly Machine[];
  readonly addMachine: (scope: PageScope, disk?: BrowserDisk) => Machine;
}

export function createUniverse(plan: Plan, keptLines: number): Universe {
  const { scale } = plan;
  const world = createWorld({ seed: plan.seed, keptLines });
  enterWorld(world);
  const random = world.random;
  const network = watchRequests(createNetwork({ world, random: random.fork('network') }), world, plan);
  const push = createPushService({ world, network, random: random.fork('push') });
  const cryptography = cryptographyOf(random.fork('crypto'), scale.realSignatures);
  const server = createServerMachine({
    world,
    network,
    push,
    origin: ORIGIN,
    random: random.fork('server'),
    cryptography,
    validate: scale.validator ? refuseSome : undefined,
  });
  const isChromium = plan.faults.some((fault) => fault.kind === 'kill-browser' && fault.torn === true);
  const machines: Machine[] = [];
  const acknowledgements = createAcknowledgementWatch(world);
  const universe: Universe = { plan, world, network, push, cryptography, server, ledger: createLedger(), acknowledgements, machines, addMachine };

  function addMachine(scope: PageScope, disk?: BrowserDisk): Machine {
    const name = `browser-${machines.length}`;
    const own = disk ?? createBrowserDisk({ world, name, random: random.fork(`${name} disk`) });
    const machine = createMachine({ world, network, push, cryptography, name, scope, scale, isChromium, disk: own });
    machines.push(machine);
    acknowledgements.addMachine(machine);
    watchCursors(universe, machine);
    return machine;
  }

  for (let i = 0; i < scale.browsers; i++) {
    addMachine({ account: `account-${i % scale.accounts}`, space: `space-${i % scale.spaces}` });
  }
  return universe;
}

/** Whether the authority refuses a write, where it has opinions. */
export function isRefused(number: number): boolean {
  return number % 7 === 3;
}

/** An authority with opinions: it takes every entry, and refuses those of some writes. */
async function refuseSome({ body }: { readonly body: unknown }): Promise<{ readonly code: string; readonly reason: string } | undefined> {
  const number = /"w":(\d+)/.exec(JSON.stringify(body))?.[1];
  return number !== undefined && isRefused(Number(number)) ? { code: 'not-today', reason: 'every seventh write is refused' } : undefined;
}
