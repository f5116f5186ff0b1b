import type { Bytes } from '../../../core/log/bytes.ts';
import { decodeSyncResponse } from '../../../core/protocol/codec.ts';
import type { SpaceResponse } from '../../../core/protocol/messages.ts';
import type { SimHandler } from '../network/http.ts';
import type { ServerDisk } from '../server/server-disk.ts';
import type { World } from '../world/world.ts';

/** So many of the last arrivals are looked at with each answer. */
const LAST_ARRIVALS = 64;

/** What of a space would survive a power cut. */
interface Durable {
  readonly heads: ReadonlyMap<string, number>;
  readonly position: number;
}

/** What a position was said to name, and when first, virtual ms. */
interface Told {
  readonly name: string;
  readonly at: number;
}

/** The canary file may be so far behind what was told of positions, with the time to write it: a younger backup is not noticed. */
const CANARY_LAG_MS = 2_000;

export interface AnswerWatch {
  readonly handle: SimHandler;
  /** An older database is about to be put in place: what was told just before may be told anew (SYNC4). */
  readonly noteRestore: () => void;
}

/**
 * A server that is held to its words: what an answer acknowledges would survive a power cut in that moment (SYNC2), so would
 * what its cursor names, and a position of an epoch names the same arrival for ever (SYNC3, SYNC4).
 */
export function watchAnswers(handle: SimHandler, disk: ServerDisk, world: World): AnswerWatch {
  const durable = new Map<string, Durable>();
  /** By space and epoch, then by position. */
  const told = new Map<string, Map<number, Told>>();

  disk.onSynced(() => {
    for (const space of disk.spaceNames()) {
      const { heads, arrivals } = disk.rows(space);
      durable.set(space, { heads: new Map([...heads.values()].map(({ log, sequence }) => [log, sequence])), position: arrivals.at(-1)?.position ?? 0 });
    }
  });

  function check({ space, acknowledged, cursor, level, error }: SpaceResponse): void {
    if (error !== undefined) return;
    const kept = durable.get(space);
    for (const [log, sequence] of acknowledged) {
      const head = kept?.heads.get(log) ?? -1;
      if (sequence > head) world.fail('SYNC2', `the server acknowledged ${sequence} of ${log}; a power cut would leave ${head < 0 ? 'nothing' : head}`);
    }
    if (level && cursor.position > (kept?.position ?? 0)) world.fail('SYNC3', `the server said that ${cursor.position} was given; a power cut would leave ${kept?.position ?? 0}`);
    const names = told.get(`${space} ${cursor.epoch}`) ?? new Map<number, Told>();
    told.set(`${space} ${cursor.epoch}`, names);
    const { arrivals } = disk.rows(space);
    for (const { position, log, first, last } of arrivals.slice(-LAST_ARRIVALS)) {
      if (position > cursor.position) break;
      const name = `${first} to ${last} of ${log}`;
      const before = names.get(position);
      if (before === undefined) names.set(position, { name, at: world.now() });
      else if (before.name !== name) world.fail('SYNC4', `position ${position} of epoch ${cursor.epoch} was ${before.name}, and is ${name}`);
    }
  }

  return {
    async handle(request) {
      const response = await handle(request);
      if (response.status !== 200 || !(response.body instanceof Uint8Array) || !request.url.includes('/sync')) return response;
      const decoded = decodeSyncResponse(response.body as Bytes);
      if (typeof decoded !== 'string') for (const part of decoded.spaces) check(part);
      return response;
    },
    noteRestore() {
      for (const names of told.values()) {
        for (const [position, { at }] of names) if (at > world.now() - CANARY_LAG_MS) names.delete(position);
      }
    },
  };
}
