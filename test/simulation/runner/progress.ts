import type { Tally } from './tally.ts';
import { count } from './tally.ts';

/** One line that is written over on a terminal, and written anew twice a minute into a log. */
export interface Progress {
  readonly show: () => void;
  /** Prints something that stays, above the line. */
  readonly say: (text: string) => void;
  readonly end: () => void;
}

const LOG_EVERY_MS = 30_000;
const TERMINAL_EVERY_MS = 200;

export function createProgress(tally: Tally, stream: NodeJS.WriteStream = process.stderr): Progress {
  let lastAt = performance.now();
  const clear = stream.isTTY ? '\r\u001b[K' : '';
  return {
    show() {
      const now = performance.now();
      if (now - lastAt < (stream.isTTY ? TERMINAL_EVERY_MS : LOG_EVERY_MS)) return;
      lastAt = now;
      stream.write(`${clear}${line(tally)}${stream.isTTY ? '' : '\n'}`);
    },
    say(text) {
      stream.write(clear);
      console.log(text);
    },
    end: () => void stream.write(clear),
  };
}

function line({ plans, steps, allSteps, realMs, failures, virtualMs }: Tally): string {
  const perSecond = (allSteps * 1_000) / Math.max(1, realMs);
  return `${count(plans)} seeds, ${count(steps)} steps, ${count(perSecond)} steps/s, ${failures} failed, ${(virtualMs / 3_600_000).toFixed(1)} virtual hours`;
}
