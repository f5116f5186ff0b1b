import type { Crypto } from '../../core/log/crypto.ts';
import type { LogName, LogRange } from '../../core/log/version-vector.ts';
import type { ErrorCode } from '../../core/protocol/errors.ts';
import { WakelogError } from '../../core/protocol/errors.ts';
import { FRAME_TARGET_BYTES, MAX_FRAME_BYTES } from '../../core/protocol/limits.ts';
import type { Cursor, SpaceRequest, SpaceResponse, SyncRequest, SyncResponse } from '../../core/protocol/messages.ts';
import type { OpenSpace } from '../spaces/open-space.ts';
import type { Spaces } from '../spaces/spaces.ts';
import type { Given } from './give-runs.ts';
import { cursorAt, giveAfter, giveMissing, judgeCursor } from './give-runs.ts';
import type { MayWrite, Session } from './session.ts';
import type { Taken } from './take-runs.ts';
import { takeRuns } from './take-runs.ts';
import type { Validate } from './validator.ts';

/** Whose request brings something, and where. */
export interface Contributor {
  readonly space: string;
  readonly account: string;
  readonly device: string;
  readonly life: string | undefined;
}

export interface SyncContext {
  readonly spaces: Spaces;
  readonly crypto: Crypto;
  /** Wall clock, ms. */
  readonly now: () => number;
  readonly mayWrite: MayWrite;
  readonly validate: Validate | undefined;
  /** A request's runs are held now: its device's live connections need not send them back. */
  readonly onCarried: (by: Contributor, ranges: readonly LogRange[]) => void;
  /** Entries that nobody had are durable: others are to be told. */
  readonly onNew: (by: Contributor) => void;
}

const NO_CURSOR: Cursor = { epoch: 'none', position: 0, check: new Uint8Array(8) };
/** The greatest run and the fields around it fit into this. */
const LARGEST_RUN_ROOM_BYTES = 1_179_648;
/** What an answer for one space takes at most besides its lists. */
const SPACE_ROOM_BYTES = 1_024;
const VECTOR_ITEM_BYTES = 46;
const REFUSED_ITEM_BYTES = 96;
const AUTHORITY_ITEM_BYTES = 36;

/** How much of the frame is used up. */
interface FrameRoom {
  usedBytes: number;
}

/**
 * Answers one sync request, whatever carried it (SYNC1, SYNC2): takes its runs durably, then gives what the device lacks.
 * May be repeated any number of times. Throws `WakelogError` for a request that is refused as a whole.
 */
export async function answerSync(request: SyncRequest, session: Session, context: SyncContext): Promise<SyncResponse> {
  if (session.account !== undefined && session.account !== request.account) throw new WakelogError('account-mismatch');
  if (new Set(request.spaces.map(({ space }) => space)).size < request.spaces.length) {
    throw new WakelogError('malformed', 'a space is named twice');
  }
  const room: FrameRoom = { usedBytes: SPACE_ROOM_BYTES };
  const spaces: SpaceResponse[] = [];
  for (const part of request.spaces) {
    const answer = (await session.read(part.space))
      ? await context.spaces.use(part.space, (space) => answerSpace(space, request, part, session, context, room))
      : refuseSpace(part.space, 'forbidden');
    room.usedBytes += SPACE_ROOM_BYTES;
    spaces.push(answer);
  }
  return { time: context.now(), spaces };
}

async function answerSpace(
  space: OpenSpace,
  request: SyncRequest,
  part: SpaceRequest,
  session: Session,
  context: SyncContext,
  room: FrameRoom,
): Promise<SpaceResponse> {
  const by: Contributor = { space: space.name, account: request.account, device: request.device, life: request.life };
  const taken = await takeRuns(space, part.runs, { ...context, session }, (ranges) => context.onCarried(by, ranges));
  if (taken.newEntries > 0) context.onNew(by);
  const cursorVerdict = part.cursor && (await judgeCursor(space.store, space.epoch(), part.cursor));
  if (cursorVerdict === 'lost') {
    await space.exclusive(() => space.startAnew('a device knows a position that this store never had', 'claimed'));
  }
  const epoch = space.epoch();
  const authorities = space.authorities();
  const mustCompare = cursorVerdict !== undefined && cursorVerdict !== 'known' && part.vector === undefined;
  const acknowledged = await acknowledge(space, taken, mustCompare || part.vector !== undefined);
  room.usedBytes +=
    acknowledged.size * VECTOR_ITEM_BYTES +
    taken.refused.length * REFUSED_ITEM_BYTES +
    authorities.length * AUTHORITY_ITEM_BYTES;
  if (room.usedBytes > MAX_FRAME_BYTES) return refuseSpace(space.name, 'busy');
  const given = mustCompare ? NOTHING : await give(space, part, taken, cursorVerdict === 'known', room);
  room.usedBytes += given.bytes;
  await space.cover();
  return {
    space: space.name,
    cursor: await cursorAt(space.store, epoch, given.position),
    authorities,
    acknowledged,
    compareVectors: mustCompare,
    refused: taken.refused,
    runs: given.runs,
    level: given.level,
  };
}

const NOTHING: Given = { runs: [], bytes: 0, position: 0, level: false };

async function give(
  { store }: OpenSpace,
  { cursor, vector }: SpaceRequest,
  { carried }: Taken,
  isCursorKnown: boolean,
  room: FrameRoom,
): Promise<Given> {
  const spareBytes = MAX_FRAME_BYTES - room.usedBytes;
  const maxBytes =
    spareBytes < LARGEST_RUN_ROOM_BYTES ? 0 : Math.min(FRAME_TARGET_BYTES, spareBytes - LARGEST_RUN_ROOM_BYTES);
  if (cursor !== undefined && isCursorKnown) return giveAfter(store, cursor.position, carried, maxBytes);
  // Whoever holds nothing is served by arrival: its next round then has a cursor, however much there is to give.
  if (vector === undefined || vector.size === 0) return giveAfter(store, 0, carried, maxBytes);
  return giveMissing(store, vector, carried, maxBytes);
}

/** Log → last sequence durable here: of the request's logs, or of all (SYNC1). */
async function acknowledge({ store }: OpenSpace, { logs }: Taken, all: boolean): Promise<Map<LogName, number>> {
  const acknowledged = new Map<LogName, number>();
  const heads = all ? await store.heads() : await Promise.all([...logs].map((log) => store.head(log)));
  for (const head of heads) if (head !== undefined) acknowledged.set(head.log, head.sequence);
  return acknowledged;
}

function refuseSpace(space: string, error: ErrorCode): SpaceResponse {
  return {
    space,
    error,
    cursor: NO_CURSOR,
    authorities: [],
    acknowledged: new Map(),
    compareVectors: false,
    refused: [],
    runs: [],
    level: false,
  };
}
