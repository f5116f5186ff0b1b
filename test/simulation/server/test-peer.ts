import type { Bytes } from '../../../core/log/bytes.ts';
import { toBase64Url, utf8 } from '../../../core/log/bytes.ts';
import { KIND, NO_ENTRY } from '../../../core/log/header.ts';
import { buildRuns } from '../../../core/log/run-build.ts';
import { hashSpace } from '../../../core/log/signature.ts';
import type { LogName } from '../../../core/log/version-vector.ts';
import { logName } from '../../../core/log/version-vector.ts';
import { decodeSyncResponse, encodeCursor, encodeSyncRequest } from '../../../core/protocol/codec.ts';
import { SYNC_CONTENT_TYPE } from '../../../core/protocol/limits.ts';
import type { Cursor, SpaceRequest, SpaceResponse } from '../../../core/protocol/messages.ts';
import type { SimRequest, SimResponse } from '../network/http.ts';
import type { SimCrypto } from '../world/sim-crypto.ts';

export const SPACE = 'team';

/** What a device of one account sends, by hand. */
export interface TestPeer {
  readonly log: LogName;
  /** The log's first run, which opens it, and one run for each further entry. */
  readonly runs: readonly Bytes[];
  readonly sync: (origin: string, part?: Partial<SpaceRequest>) => SimRequest;
  readonly live: (origin: string, cursor: Cursor) => SimRequest;
  readonly post: (origin: string, path: string, fields: object) => SimRequest;
}

export async function createTestPeer(
  { crypto, newSeed, seedToWriterKey }: SimCrypto,
  account: string,
  entries: number,
): Promise<TestPeer> {
  const key = seedToWriterKey(newSeed());
  const space = await hashSpace(crypto, SPACE);
  const drafts = [{ device: 'd', account }, ...Array.from({ length: entries }, (_, i) => puts(`${account} ${i}`))];
  const runs: Bytes[] = [];
  let end = { sequence: -1, id: NO_ENTRY };
  for (const [i, body] of drafts.entries()) {
    const draft = {
      kind: i === 0 ? KIND.open : KIND.data,
      parts: [utf8(JSON.stringify(body))],
      lamport: i + 1,
      clock: i,
    };
    const [built] = await buildRuns(crypto, key, space, end, [draft]);
    if (built === undefined) throw new Error('one run for each entry');
    runs.push(built.bytes);
    end = { sequence: i, id: built.ids[0] ?? NO_ENTRY };
  }
  const device = `${account}'s`;
  const headers = { 'x-account': account, 'content-type': SYNC_CONTENT_TYPE };
  return {
    log: logName(key.publicKey),
    runs,
    sync(origin, part = {}) {
      const full: SpaceRequest = { space: SPACE, cursor: undefined, vector: undefined, runs: [], ...part };
      const body = encodeSyncRequest({ account, device, spaces: [full] });
      return { method: 'POST', url: `${origin}/wakelog/sync`, headers, body };
    },
    live(origin, cursor) {
      const query = new URLSearchParams({ space: SPACE, account, device, cursor: toBase64Url(encodeCursor(cursor)) });
      return { method: 'GET', url: `${origin}/wakelog/live?${query}`, headers, body: new Uint8Array(0) };
    },
    post(origin, path, fields) {
      const body = utf8(JSON.stringify({ account, device, space: SPACE, ...fields }));
      const json = { ...headers, 'content-type': 'application/json' };
      return { method: 'POST', url: `${origin}/wakelog${path}`, headers: json, body };
    },
  };
}

/** The one space of a sync answer; throws for any other answer. */
export function spaceOf({ status, body }: SimResponse): SpaceResponse {
  if (status !== 200 || typeof body === 'function') throw new Error(`no sync answer: ${status}`);
  const response = decodeSyncResponse(body as Bytes);
  const [space] = typeof response === 'string' ? [] : response.spaces;
  if (space === undefined) throw new Error('no sync answer');
  return space;
}

function puts(key: string): object {
  return { writes: [['put', key, key, []]] };
}
