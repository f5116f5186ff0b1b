import { readFileSync } from 'node:fs';

/** Ticks of /proc/<pid>/stat; 100 a second on every Linux there is. */
const MS_PER_TICK = 10;

/** A limit on what a process works on one thing. */
export interface Stopwatch {
  /** From now on it is something else. */
  readonly restart: (limitMs: number) => void;
  readonly stop: () => void;
}

const LOOK_EVERY_MS = 500;
/** Even a process that gets no processor, or waits for nothing, ends at some time: so many times its limit in real time. */
const MOST_REAL = 10;

/**
 * Measures a process by the time for which it had a processor, where the system tells (Linux); by real time elsewhere. On a
 * busy machine a run may take ten times as long as on an idle one, and does not hang for that.
 */
export function createStopwatch(pid: number, onLimit: (limitMs: number) => void): Stopwatch {
  let limit = 0;
  let from: number | undefined;
  let fromReal = 0;
  const timer = setInterval(() => {
    const real = performance.now() - fromReal;
    const now = cpuMs(pid);
    const used = now === undefined || from === undefined ? real : now - from;
    if (used > limit || real > limit * MOST_REAL) onLimit(limit);
  }, LOOK_EVERY_MS);
  return {
    restart(limitMs) {
      limit = limitMs;
      from = cpuMs(pid);
      fromReal = performance.now();
    },
    stop: () => clearInterval(timer),
  };
}

function cpuMs(pid: number): number | undefined {
  try {
    // After the name in brackets: state, then numbers, of which the 12th and 13th are user and system time.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
  } catch {
    return undefined;
  }
}
