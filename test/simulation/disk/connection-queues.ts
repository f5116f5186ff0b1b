import type { TaskLane } from './present-disk.ts';

/** The openings and deletions of each database, which wait for each other: tasks of the lane in place of fake-indexeddb's chain of promises. */
export interface ConnectionQueues {
  readonly get: (name: string) => { readonly then: (task: () => Promise<unknown>) => void };
  /** fake-indexeddb puts the longer chain back. */
  readonly set: () => void;
  /** Forgets everything that waits. */
  readonly clear: () => void;
}

type Task = () => Promise<unknown>;

export function createConnectionQueues(lane: TaskLane): ConnectionQueues {
  const waiting = new Map<string, Task[]>();

  async function work(name: string, queue: Task[]): Promise<void> {
    await queue[0]?.();
    lane.push(() => {
      if (waiting.get(name) !== queue) return;
      queue.shift();
      if (queue.length === 0) waiting.delete(name);
      else void work(name, queue);
    });
  }

  function add(name: string, task: Task): void {
    const queue = waiting.get(name);
    if (queue !== undefined) {
      queue.push(task);
      return;
    }
    const made = [task];
    waiting.set(name, made);
    void work(name, made);
  }

  return {
    // eslint-disable-next-line unicorn/no-thenable -- it stands for the promise that fake-indexeddb chains its task to
    get: (name) => ({ then: (task) => add(name, task) }),
    set: () => undefined,
    clear: () => waiting.clear(),
  };
}
