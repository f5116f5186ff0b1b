import { runEnd } from '../log/run-codec.ts';
import type { LogName, VersionVector } from '../log/version-vector.ts';
import type { SpaceResponse } from '../protocol/messages.ts';
import { inOrder } from './ask-ahead.ts';
import type { Replica } from './replica.ts';

/**
 * What a server is told while vectors are compared: which entries need not be given. An entry whose body is lacking is asked
 * for (LOG9, SYNC4), once in a comparison: a body that did not come is lacking at the server as well.
 */
export interface ComparedVector {
  readonly present: () => Promise<VersionVector>;
  readonly noteGiven: (response: Pick<SpaceResponse, 'runs' | 'level'>) => Promise<void>;
  /** The comparison is over. */
  readonly end: () => void;
}

export function createComparedVector({ store, vector: wholeVector }: Pick<Replica, 'store' | 'vector'>): ComparedVector {
  /** Up to where a log was given. */
  const given = new Map<LogName, number>();
  return {
    async present() {
      const whole = await wholeVector();
      const vector = new Map<LogName, number>(whole);
      for (const { log, sequence } of await store.heads()) {
        const known = Math.min(sequence, given.get(log) ?? -1);
        if (known > (whole.get(log) ?? -1)) vector.set(log, known);
      }
      return inOrder(vector);
    },
    async noteGiven({ runs, level }) {
      const ends = runs.flatMap((bytes) => runEnd(bytes) ?? []);
      for (const { log, last } of ends) given.set(log, Math.max(last, given.get(log) ?? -1));
      if (level) for (const { log, sequence } of await store.heads()) given.set(log, sequence);
    },
    end: () => given.clear(),
  };
}
