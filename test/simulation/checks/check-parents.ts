import type { Body } from '../../../core/log/body.ts';
import { partsToBody, writeParents } from '../../../core/log/body.ts';
import { toBase64Url } from '../../../core/log/bytes.ts';
import { KIND } from '../../../core/log/header.ts';
import { decodeStoredRun } from '../../../core/log/run-codec.ts';
import { chainIds } from '../../../core/log/run-verify.ts';
import type { Universe } from '../universe/universe.ts';
import { serverRows } from './rows.ts';

interface Entry {
  readonly place: string;
  readonly log: string;
  readonly lamport: number;
  readonly body: Body | undefined;
}

/** Whoever names a version as a parent has seen it, and counts on from it: so the later write is the one displayed (LOG17). */
export async function checkParents(universe: Universe): Promise<void> {
  const { world, plan, machines } = universe;
  // Counters of somebody who keeps no rule may be too great to count on from.
  if (plan.faults.some(({ kind }) => kind === 'byzantine' || kind === 'lying-server')) return;
  for (const space of new Set(machines.map(({ scope }) => scope.space))) {
    const entries = await entriesOf(universe, space);
    const lamports = new Map(entries.flatMap(({ id, place, lamport }) => [[id, lamport] as const, [place, lamport] as const]));
    for (const { place, log, lamport, body } of entries) {
      for (const parent of (body?.writes ?? []).flatMap(writeParents)) {
        const before = lamports.get(typeof parent === 'string' ? parent : `${parent} of ${log}`);
        if (before !== undefined && before >= lamport) world.fail('LOG17', `entry ${place} has the lamport counter ${lamport}, and its parent ${parent} has ${before}`);
      }
    }
  }
}

async function entriesOf(universe: Universe, space: string): Promise<(Entry & { readonly id: string })[]> {
  const found: (Entry & { readonly id: string })[] = [];
  for (const { log, bytes } of serverRows(universe, space).runs) {
    const run = decodeStoredRun(bytes);
    if (typeof run === 'string') throw new Error(`a stored run does not decode: ${run}`);
    const ids = await chainIds(universe.cryptography.crypto, run);
    for (const [i, { kind, lamport, content }] of run.entries.entries()) {
      const sequence = run.first + i;
      const body = kind === KIND.data && content.form === 'body' ? partsToBody(content.parts, sequence) : undefined;
      found.push({ id: toBase64Url(ids[i] ?? new Uint8Array(0)), place: `${sequence} of ${log}`, log, lamport, body });
    }
  }
  return found;
}
