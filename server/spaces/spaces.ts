import type { Log } from '../log.ts';
import type { OpenSpace } from './open-space.ts';

/** The spaces of a server, each opened when it is first asked for and kept. */
export interface Spaces {
  /** Runs `body` with a space that stays open meanwhile. */
  readonly use: <T>(name: string, body: (space: OpenSpace) => Promise<T>) => Promise<T>;
  readonly openCount: () => number;
  /** Waits for what is running, then closes every space. */
  readonly close: () => Promise<void>;
}

interface Slot {
  readonly opening: Promise<OpenSpace>;
  users: number;
}

/** So many spaces stay open; beyond, the one unused for longest is closed. Spaces in use are never closed. */
const MAX_OPEN_SPACES = 256;

export function createSpaces(open: (name: string) => Promise<OpenSpace>, log: Log): Spaces {
  /** In order of last use. */
  const slots = new Map<string, Slot>();
  /** A space that is closing must be closed before it is opened again. */
  const closing = new Map<string, Promise<void>>();
  const idle = new Set<() => void>();

  async function use<T>(name: string, body: (space: OpenSpace) => Promise<T>): Promise<T> {
    const slot = slots.get(name) ?? { opening: openAfterClosing(name), users: 0 };
    slot.users += 1;
    slots.delete(name);
    slots.set(name, slot);
    try {
      return await body(await slot.opening);
    } catch (error) {
      // A space that could not be opened is tried again next time.
      await slot.opening.catch(() => forget(name, slot));
      throw error;
    } finally {
      slot.users -= 1;
      if (slot.users === 0) for (const notify of idle) notify();
      closeSpare();
    }
  }

  async function openAfterClosing(name: string): Promise<OpenSpace> {
    await closing.get(name);
    return open(name);
  }

  function forget(name: string, slot: Slot): void {
    if (slots.get(name) === slot) slots.delete(name);
  }

  function closeSpare(): void {
    for (const [name, slot] of slots) {
      if (slots.size <= MAX_OPEN_SPACES) return;
      if (slot.users === 0) void closeSlot(name, slot);
    }
  }

  function closeSlot(name: string, slot: Slot): Promise<void> {
    slots.delete(name);
    const done = slot.opening
      .then((space) => space.close())
      .catch((error: unknown) => log.error({ err: error, space: name }, 'a space could not be closed'))
      .finally(() => closing.delete(name));
    closing.set(name, done);
    return done;
  }

  async function close(): Promise<void> {
    while ([...slots.values()].some(({ users }) => users > 0)) {
      await new Promise<void>((resolve) => {
        idle.add(resolve);
      });
      idle.clear();
    }
    await Promise.all([...slots].map(([name, slot]) => closeSlot(name, slot)));
    await Promise.all(closing.values());
  }

  return { use, openCount: () => slots.size, close };
}
