import { databaseName } from '../../../sw/devices.ts';
import type { RawRecord } from '../disk/fake-internals.ts';
import type { Machine } from '../universe/machine.ts';
import type { World } from '../world/world.ts';
import type { Write } from './ledger.ts';
import { joinPieces } from './join-pieces.ts';
import { writesOfBytes } from './stored-log.ts';

/** What users are told is held against the disk in the moment in which they are told. */
export interface AcknowledgementWatch {
  readonly addMachine: (machine: Machine) => void;
  /** To be called as a user is told that a write is safe. */
  readonly check: (write: Write) => void;
}

/**
 * An acknowledged write is committed, and would survive a power cut in that moment (S2.11, SYNC10): looked at from outside, without
 * waiting for a power cut to come just then.
 */
export function createAcknowledgementWatch(world: World): AcknowledgementWatch {
  /** By machine: where in its disk's journal each write was committed first. */
  const disks = new Map<string, { readonly machine: Machine; readonly places: Map<number, number> }>();

  return {
    addMachine(machine) {
      const places = new Map<number, number>();
      disks.set(machine.name, { machine, places });
      machine.disk.onCommit(({ database, place, put }) => {
        if (database !== databaseName(machine.scope)) return;
        for (const bytes of rowsOf(put.get('runs') ?? [])) {
          for (const number of writesOfBytes(bytes)) if (!places.has(number)) places.set(number, place);
        }
      });
    },
    check({ number, machine: name }) {
      const disk = disks.get(name);
      const place = disk?.places.get(number);
      if (place === undefined) world.fail('S2.11', `${name} acknowledged write ${number}, and never committed it`);
      else if (disk?.machine.disk.isDurable(place) === false) world.fail('S2.11', `${name} acknowledged write ${number}, which a power cut would take`);
    },
  };
}

/** Bytes of rows that were put: all pieces of a row are put together. */
function rowsOf(records: readonly RawRecord[]): Uint8Array<ArrayBuffer>[] {
  const rows: Uint8Array<ArrayBuffer>[][] = [];
  for (const { key, value } of records) {
    if ((key as readonly unknown[]).length > 2) rows.at(-1)?.push(value as Uint8Array<ArrayBuffer>);
    else rows.push([(value as { readonly piece: Uint8Array<ArrayBuffer> }).piece]);
  }
  return rows.map((pieces) => (pieces.length === 1 ? (pieces[0] as Uint8Array<ArrayBuffer>) : joinPieces(pieces)));
}
