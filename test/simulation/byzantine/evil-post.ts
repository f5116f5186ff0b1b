import type { Bytes } from '../../../core/log/bytes.ts';
import { decodeSyncResponse, encodeSyncRequest } from '../../../core/protocol/codec.ts';
import { SYNC_CONTENT_TYPE } from '../../../core/protocol/limits.ts';
import type { SpaceRequest, SpaceResponse } from '../../../core/protocol/messages.ts';
import type { Universe } from '../universe/universe.ts';
import { ORIGIN } from '../workload/worker-options.ts';
import { intrusionsOf } from './intrusions.ts';

/** How an intruder says who it is. */
export interface Guise {
  /** Whose session the server takes it for; undefined: nobody's. */
  readonly session: string | undefined;
  /** Whose device the request says it is of. Default: the session's. */
  readonly account?: string;
  readonly device?: string;
}

export interface EvilPost {
  /** One sync request; undefined when no answer of ours came. */
  readonly sync: (guise: Guise, part: Partial<SpaceRequest>) => Promise<SpaceResponse | undefined>;
  /** Any bytes. */
  readonly raw: (session: string | undefined, body: Bytes) => Promise<void>;
}

export function createEvilPost({ world, network }: Pick<Universe, 'world' | 'network'>, space: string): EvilPost {
  const send = network.fetchFor('byzantine', ORIGIN);

  async function post(session: string | undefined, body: Bytes): Promise<Bytes | undefined> {
    try {
      const headers = { 'content-type': SYNC_CONTENT_TYPE, ...(session === undefined ? {} : { 'x-account': session }) };
      const response = await send('/wakelog/sync', { method: 'POST', headers, body });
      const bytes = new Uint8Array(await response.arrayBuffer());
      return response.status === 200 ? bytes : undefined;
    } catch {
      // Its network may be as bad as anybody's.
      return undefined;
    }
  }

  return {
    async sync({ session, account = session ?? 'nobody', device = 'of nobody' }, part) {
      const full: SpaceRequest = { space, cursor: undefined, vector: undefined, runs: [], ...part };
      const bytes = await post(session, encodeSyncRequest({ account, device, spaces: [full] }));
      const response = bytes === undefined ? 'malformed' : decodeSyncResponse(bytes);
      const answer = typeof response === 'string' ? undefined : response.spaces[0];
      if (answer !== undefined) intrusionsOf(world).noteAnswer(space, answer);
      return answer;
    },
    async raw(session, body) {
      await post(session, body);
    },
  };
}
