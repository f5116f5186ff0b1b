import type { Bytes } from '../log/bytes.ts';
import { isEqual } from '../log/bytes.ts';
import { runEnd } from '../log/run-codec.ts';
import type { VersionVector } from '../log/version-vector.ts';
import type { SpaceRequest, SpaceResponse } from '../protocol/messages.ts';
import type { Transport, TransportAnswer } from './ports.ts';

/** Asks a server, where it can be foretold one round ahead. */
export interface Asker {
  /** Undefined when no answer came. */
  readonly ask: (request: Bytes) => Promise<TransportAnswer | undefined>;
  /**
   * Sends a request that is likely to come next, so that its answer is under way while this one is verified, stored and
   * folded. It counts only when those very bytes are asked next, and is thrown away else: requests may be repeated (SYNC2).
   */
  readonly askAhead: (request: Bytes) => void;
}

export function createAsker(transport: Pick<Transport, 'sync'>): Asker {
  let ahead: { readonly request: Bytes; readonly answer: Promise<TransportAnswer | undefined> } | undefined;

  async function send(request: Bytes): Promise<TransportAnswer | undefined> {
    try {
      return await transport.sync(request);
    } catch {
      return undefined;
    }
  }

  return {
    async ask(request) {
      const early = ahead;
      ahead = undefined;
      const answer = early !== undefined && isEqual(early.request, request) ? await early.answer : undefined;
      return answer ?? send(request);
    },
    askAhead(request) {
      ahead = { request, answer: send(request) };
    },
  };
}

/** What will be asked after a response, if all of it is taken and nothing is written meanwhile; undefined when nothing is left. */
export function nextRequest(asked: SpaceRequest, response: SpaceResponse): SpaceRequest | undefined {
  const { runs, level, compareVectors, refused, cursor } = response;
  if (level || compareVectors || runs.length === 0 || refused.length > 0 || asked.runs.length > 0) return undefined;
  if (asked.vector === undefined) return { ...asked, cursor };
  const vector = new Map(asked.vector);
  for (const run of runs) {
    const end = runEnd(run);
    if (end === undefined) return undefined;
    vector.set(end.log, Math.max(end.last, vector.get(end.log) ?? -1));
  }
  return { ...asked, vector: inOrder(vector) };
}

/** A vector whose logs are in the order of their names, so that equal ones are equal bytes. */
export function inOrder(vector: VersionVector): VersionVector {
  return new Map([...vector].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
