import type { LogRange } from '../../core/log/version-vector.ts';
import type { Cursor, SyncResponse } from '../../core/protocol/messages.ts';
import type { OpenSpace } from '../spaces/open-space.ts';
import { cursorAt, giveAfter, judgeCursor } from './give-runs.ts';

/** A frame of a live stream stops filling here: so much memory at most is bound by a reader that does not read. */
export const LIVE_FRAME_TARGET_BYTES = 262_144;
/** Ranges a device sent are remembered this long, in number, so that they are not sent back. */
const MAX_CARRIED_RANGES = 256;

/** What one live connection is sent next. It holds a position and nothing else, so a slow reader costs nothing. */
export interface LiveFeed {
  /**
   * The next frame, or `level` when there is nothing to send now. After a frame with `compareVectors` there is no other:
   * the device has to compare by request.
   */
  readonly next: () => Promise<SyncResponse | 'level'>;
  /** The device just sent these itself. */
  readonly noteCarried: (ranges: readonly LogRange[]) => void;
}

export function createLiveFeed(space: OpenSpace, start: Cursor, now: () => number): LiveFeed {
  const { store } = space;
  const epoch = start.epoch;
  let position = start.position;
  let judged = false;
  let carried: LogRange[] = [];

  async function next(): Promise<SyncResponse | 'level'> {
    const isKnown = judged || (await judgeCursor(store, space.epoch(), start)) === 'known';
    judged = true;
    if (!isKnown || space.epoch() !== epoch) return frame([], true, false);
    // What is being taken just now is noted as carried by the time it is done.
    await space.exclusive(async () => undefined);
    const given = await giveAfter(store, position, carried, LIVE_FRAME_TARGET_BYTES);
    position = given.position;
    if (given.runs.length === 0) return 'level';
    await space.cover();
    return frame(given.runs, false, given.level);
  }

  async function frame(
    runs: SyncResponse['spaces'][number]['runs'],
    compareVectors: boolean,
    level: boolean,
  ): Promise<SyncResponse> {
    const cursor = await cursorAt(store, space.epoch(), compareVectors ? 0 : position);
    const answer = {
      space: space.name,
      cursor,
      authorities: space.authorities(),
      acknowledged: new Map(),
      refused: [],
    };
    return { time: now(), spaces: [{ ...answer, compareVectors, runs, level }] };
  }

  return {
    next,
    noteCarried(ranges) {
      carried = [...carried, ...ranges].slice(-MAX_CARRIED_RANGES);
    },
  };
}
