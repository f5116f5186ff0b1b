import type { SimRandom } from '../world/random.ts';
import type { World } from '../world/world.ts';
import type { TaskLane } from './present-disk.ts';
import { runInLane } from './present-disk.ts';

/** As much of a world as a disk needs. */
export type DiskWorld = Pick<World, 'now' | 'after'> & Partial<Pick<World, 'events'>>;

/** What a disk has to do, one after the other, each taking its time. It goes on whoever dies. */
export interface Lane extends TaskLane {
  /** Does something when the disk has worked on it for so long. */
  readonly later: (delayMs: number, task: () => void) => void;
  /** Nothing happens for so long. */
  readonly stall: (ms: number) => void;
  /** A connection is closing: who waits for that looks again. */
  readonly wakeWaiting: () => void;
  /** Forgets everything that was to be done. */
  readonly clear: () => void;
}

const SLOW_CHANCE = 0.01;

export function createLane(world: DiskWorld, name: string, random: SimRandom): Lane {
  let tasks: (() => void)[] = [];
  let head = 0;
  let isScheduled = false;
  let stalledUntil = 0;
  let life = 0;
  let waiting: (() => void)[] = [];
  const label = `disk ${name}`;

  function schedule(): void {
    isScheduled = true;
    const delay = random.chance(SLOW_CHANCE) ? random.between(1, 20) : random.between(0.02, 0.5);
    const [born, wait] = [life, Math.max(delay, stalledUntil - world.now())];
    world.after(wait, label, () => {
      if (born === life) workOff();
    });
  }

  function workOff(): void {
    // It was stalled since.
    if (world.now() < stalledUntil) return schedule();
    const task = tasks[head++];
    if (head === tasks.length) [tasks, head] = [[], 0];
    try {
      if (task !== undefined) runInLane(lane, task);
    } finally {
      isScheduled = false;
      if (tasks.length > 0) schedule();
    }
  }

  const lane: Lane = {
    push(task) {
      // fake-indexeddb's upgrades ask again and again whether others are closed: here they are told.
      if (task.name === 'waitForOthersClosed') {
        waiting.push(task);
        return;
      }
      tasks.push(task);
      if (!isScheduled) schedule();
    },
    later(delayMs, task) {
      const born = life;
      world.after(delayMs, label, () => {
        if (born === life) lane.push(task);
      });
    },
    stall(ms) {
      stalledUntil = Math.max(stalledUntil, world.now() + ms);
    },
    wakeWaiting() {
      for (const task of waiting.splice(0)) lane.push(() => task());
    },
    clear() {
      life += 1;
      waiting = [];
      [tasks, head, isScheduled] = [[], 0, false];
    },
  };
  return lane;
}
