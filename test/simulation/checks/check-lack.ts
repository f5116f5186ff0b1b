import type { LogName } from '../../../core/log/version-vector.ts';
import type { FaultKind, Plan } from '../plan/plan.ts';
import { openBurst } from '../universe/people.ts';
import type { Universe } from '../universe/universe.ts';
import { browserHeads, browserRows } from './rows.ts';

/** Streams that are silent are given up within it, too. */
const WITHIN_MS = 240_000;
const ROUND_MS = 5_000;

/**
 * Somebody withheld entries and is gone. Whoever is given a later entry of a log then sees that earlier ones lack, and asks for
 * them, without waiting for the day to be over (SYNC3).
 */
export async function checkLack(universe: Universe): Promise<void> {
  const { world, plan, machines } = universe;
  if (!isOnlyWithheld(plan)) return;
  // At once, so that some learn of it by a round of theirs, before the stream that ended with the liar is missed and opened anew.
  for (let i = 0; i < 2; i++) {
    for (const machine of machines) openBurst(universe, machine, 1, 1);
    await world.run(world.now() + ROUND_MS);
  }
  await world.run(world.now() + WITHIN_MS);
  if (world.failure() !== undefined) return;
  for (const writer of machines) {
    for (const [log] of JSON.parse(browserRows(writer)?.values.get('value:acknowledged') ?? '[]') as [LogName, number][]) {
      const written = browserHeads(writer)?.find((head) => head.log === log)?.sequence ?? -1;
      for (const reader of machines.filter(({ scope }) => scope.space === writer.scope.space)) {
        const held = browserHeads(reader)?.find((head) => head.log === log)?.sequence ?? -1;
        if (held < written) world.fail('SYNC3', `${reader.name} holds ${held} of ${log}, was given what follows ${written - 1}, and asked for nothing`);
      }
    }
  }
}

/** No other fault than somebody who withholds, and none that leaves a log without its writer. */
function isOnlyWithheld({ faults }: Plan): boolean {
  return faults.some(({ kind }) => kind === 'lying-server') && faults.every((fault) => HARMLESS.has(fault.kind) || (fault.kind === 'lying-server' && fault.lie === 'withhold'));
}

const HARMLESS: ReadonlySet<FaultKind> = new Set(['tab-burst', 'push', 'forged-push']);
