import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FromChild, Job, JobOutcome } from './job.ts';
import { createStopwatch } from './stopwatch.ts';

/** Child processes that run jobs, each one at a time. */
export interface Pool {
  readonly size: number;
  /** Runs a job as soon as a child is free; `worker` asks for a certain one, and waits for it. */
  readonly run: (job: Job, worker?: number) => Promise<JobOutcome & { readonly worker: number }>;
  /** A new process in place of one, which has no past. Only while it is free. */
  readonly refresh: (worker: number) => void;
  readonly close: () => void;
}

/** Longer than any run takes. */
const HANG_MS = 120_000;
const CHILD = fileURLToPath(new URL('child.ts', import.meta.url));
const LOADER = new URL('../loader/workbox-in-node.ts', import.meta.url).href;

interface Slot {
  readonly number: number;
  child: ChildProcess | undefined;
  busy: boolean;
  readonly waiting: (() => void)[];
}

export function createPool(size: number, hangMs = HANG_MS): Pool {
  const slots = Array.from({ length: size }, (_, number): Slot => ({
    number,
    child: undefined,
    busy: false,
    waiting: [],
  }));
  const anybody: ((slot: Slot) => void)[] = [];

  async function take(worker: number | undefined): Promise<Slot> {
    const slot = worker === undefined ? slots.find(({ busy }) => !busy) : slots[worker];
    if (slot === undefined) return new Promise((resolve) => anybody.push(resolve));
    if (slot.busy) await new Promise<void>((resolve) => slot.waiting.push(resolve));
    slot.busy = true;
    return slot;
  }

  /** Who asked for this very child comes first; a child changes hands without being free in between. */
  function giveBack(slot: Slot): void {
    const own = slot.waiting.shift();
    if (own !== undefined) return own();
    const next = anybody.shift();
    if (next !== undefined) return next(slot);
    slot.busy = false;
  }

  function end(slot: Slot): void {
    slot.child?.removeAllListeners();
    slot.child?.kill('SIGKILL');
    slot.child = undefined;
  }

  return {
    size,
    async run(job, worker) {
      const slot = await take(worker);
      slot.child ??= fork(CHILD, { execArgv: ['--import', LOADER], serialization: 'advanced' });
      const outcome = await askChild(slot.child, job, hangMs);
      if (outcome.kind !== 'ran') end(slot);
      giveBack(slot);
      return { ...outcome, worker: slot.number };
    },
    refresh(worker) {
      const slot = slots[worker];
      if (slot !== undefined && !slot.busy) end(slot);
    },
    close() {
      for (const slot of slots) end(slot);
    },
  };
}

function askChild(child: ChildProcess, job: Job, hangMs: number): Promise<JobOutcome> {
  return new Promise((resolve) => {
    const settle = (outcome: JobOutcome): void => {
      limit.stop();
      child.removeAllListeners();
      resolve(outcome);
    };
    const limit = createStopwatch(child.pid ?? 0, (ms) => settle({ kind: 'hang', seconds: ms / 1_000 }));
    child.on('message', (message: FromChild) => {
      if (message.kind === 'begins') limit.restart(hangMs);
      else settle(message);
    });
    child.on('exit', (code, signal) =>
      settle({ kind: 'died', text: `its process ended by itself (${signal ?? code})` }),
    );
    child.on('error', (error) => settle({ kind: 'died', text: error.message }));
    // Until it has started, which is not its run's fault.
    limit.restart(HANG_MS);
    child.send(job);
  });
}
