import { createRandom } from '../../support/random.ts';
import type { Dose, Figures, PowerJob } from '../job.ts';
import { addFigures, NO_FIGURES } from '../job.ts';
import type { BrowserName } from './browser.ts';
import { killBrowser } from './kills.ts';
import type { CutFigures, CutsOptions } from './power-cuts.ts';
import { CutNotBorne, cutPower } from './power-cuts.ts';
import { stopWorkers } from './stops.ts';

/** A site, a profile and all that is checked after each death are made anew after so many: they grow with what was written. */
const CUTS_OF_A_PROFILE = 10;
const KILLS_OF_A_PROFILE = 20;
const STOPS_OF_A_PROFILE = 100;
const CUTS_OF_A_CONTROL = 20;
const WRITES_PER_CUT = 1_000;

/** A browser's IndexedDB under the built worker. What is doubled or forked throws with what it was; what is lost is counted and told. */
export function browserJob(name: BrowserName): PowerJob {
  return {
    name,
    async run({ powerCuts, kills, stops, seed }: Dose, onProgress: (soFar: Figures) => void) {
      const random = createRandom(seed);
      const nextSeed = (): number => Math.floor(random() * 2 ** 32);
      let figures = NO_FIGURES;
      const add = (more: Partial<Figures>): void => {
        figures = addFigures(figures, { ...NO_FIGURES, ...more });
        onProgress(figures);
      };
      const options = { browser: name, writesPerCut: WRITES_PER_CUT };
      for (const { first, size } of pieces(powerCuts, CUTS_OF_A_PROFILE)) {
        if (first % CUTS_OF_A_CONTROL === 0) {
          for (const control of ['relaxed', 'lying'] as const) {
            const { cuts, acknowledged, lost } = await cutPower({ ...options, cuts: 1, seed: nextSeed(), control });
            add({ control: { powerCuts: cuts, acknowledged, lost } });
          }
        }
        const moments = name === 'chromium' && (first / CUTS_OF_A_PROFILE) % 2 === 1 ? 'new log' : 'any';
        const { cuts, acknowledged, lost, torn } = await countCuts({
          ...options,
          cuts: size,
          seed: nextSeed(),
          moments,
        });
        add({ powerCuts: cuts, acknowledged, lost, torn });
      }
      for (const { size } of pieces(kills, KILLS_OF_A_PROFILE)) {
        add(await killBrowser({ browser: name, kills: size, seed: nextSeed() }));
      }
      for (const { size } of pieces(stops, STOPS_OF_A_PROFILE)) {
        add(await stopWorkers({ browser: name, stops: size, seed: nextSeed() }));
      }
      return figures;
    },
  };
}

/** A cut that lost something is counted, and the next profile begins; anything else ends the job. */
async function countCuts(options: CutsOptions): Promise<CutFigures> {
  try {
    return await cutPower(options);
  } catch (error) {
    if (!(error instanceof CutNotBorne) || error.figures.lost === 0) throw error;
    console.error(error.message);
    return error.figures;
  }
}

function pieces(total: number, most: number): { readonly first: number; readonly size: number }[] {
  const count = Math.ceil(total / most);
  return Array.from({ length: count }, (_, i) => ({ first: i * most, size: Math.min(most, total - i * most) }));
}
