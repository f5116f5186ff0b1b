import { cloneStored } from './clone.ts';

/** Where fake-indexeddb's tasks go while it works for a disk. */
export interface TaskLane {
  readonly push: (task: () => void) => void;
}

let present: TaskLane | undefined;

/** Whose work fake-indexeddb does at this moment; undefined while any other code runs. */
export function presentLane(): TaskLane | undefined {
  return present;
}

/** Runs a body of fake-indexeddb's for a disk: what it queues, it queues there. It must not run anything later by itself. */
export function runInLane<T>(lane: TaskLane, body: () => T): T {
  const before = present;
  present = lane;
  try {
    return body();
  } finally {
    present = before;
  }
}

/** Runs code that fake-indexeddb calls back, and that is not its own. */
export function runOutside(body: () => void): void {
  const before = present;
  present = undefined;
  try {
    body();
  } finally {
    present = before;
  }
}

let installed = false;

/**
 * fake-indexeddb looks up `setImmediate` and `structuredClone` each time it needs them. While it works for a disk it finds
 * the disk's; everybody else finds, and replaces, what was there before.
 */
export function installLaneGlobals(): void {
  if (installed) return;
  installed = true;
  const queue = (task: () => void): void => present?.push(task);
  redirect('setImmediate', queue);
  redirect('structuredClone', cloneStored);
}

function redirect(name: 'setImmediate' | 'structuredClone', replacement: unknown): void {
  let others: unknown = globalThis[name];
  Object.defineProperty(globalThis, name, {
    configurable: true,
    enumerable: true,
    get: () => (present === undefined ? others : replacement),
    set: (value: unknown) => {
      others = value;
    },
  });
}
