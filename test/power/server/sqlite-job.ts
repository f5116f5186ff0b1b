import { createScratch } from '../../platform/parts/scratch.ts';
import type { Scratch } from '../../platform/parts/scratch.ts';
import { createRandom } from '../../support/random.ts';
import type { Dose, Figures, PowerJob } from '../job.ts';
import { addFigures, NO_FIGURES } from '../job.ts';
import type { Death } from './server-life.ts';
import { dieOnLyingDisk, liveThrough } from './server-life.ts';

/** Data folders are made anew after so many deaths: making one is worth many cuts, and checking a small one is quick. */
const DEATHS_OF_A_FOLDER = { 'power-cut': 5, kill: 20 } as const;
const CUTS_OF_A_CONTROL = 20;
/** Kills are many, and what counts is their number. */
const WRITING_MS = { 'power-cut': 1_000, kill: 300 } as const;

/** The server's SQLite: `wakelog serve` with devices and REST clients that write all the time. */
export const sqliteJob: PowerJob = {
  name: 'sqlite',
  async run({ powerCuts, kills, seed }: Dose, onProgress: (soFar: Figures) => void) {
    const random = createRandom(seed);
    let figures = NO_FIGURES;
    const add = (more: Figures): void => {
      figures = addFigures(figures, more);
      onProgress(figures);
    };
    const live = (death: Death, times: number): Promise<void> =>
      withScratch(async (scratch) =>
        add(await liveThrough(scratch, { death, times, random, writingMs: WRITING_MS[death] })),
      );

    for (let done = 0; done < powerCuts; done += DEATHS_OF_A_FOLDER['power-cut']) {
      if (done % CUTS_OF_A_CONTROL === 0) {
        await withScratch(async (scratch) =>
          add({
            ...NO_FIGURES,
            control: await dieOnLyingDisk(scratch, { random, writingMs: WRITING_MS['power-cut'] }),
          }),
        );
      }
      await live('power-cut', Math.min(DEATHS_OF_A_FOLDER['power-cut'], powerCuts - done));
    }
    for (let done = 0; done < kills; done += DEATHS_OF_A_FOLDER.kill) {
      await live('kill', Math.min(DEATHS_OF_A_FOLDER.kill, kills - done));
    }
    return figures;
  },
};

async function withScratch(body: (scratch: Scratch) => Promise<void>): Promise<void> {
  const scratch = createScratch();
  try {
    await body(scratch);
  } finally {
    await scratch.end();
  }
}
