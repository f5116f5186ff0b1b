import { parseArgs } from 'node:util';

export interface PowerRunOptions {
  readonly store: string;
  readonly cuts: number;
  readonly kills: number;
  readonly stops: number;
  readonly seed: number;
  /** Where figures are kept between runs. */
  readonly results: string | undefined;
  readonly fresh: boolean;
  readonly help: boolean;
}

export function help(stores: readonly string[]): string {
  return `npm run power -- [options]

Cuts the power of a store, kills its process and stops its workers while writers write, and counts: writes that somebody was told are
durable, how many of them were lost, how many are there twice. A control, on a disk or in a mode that is not durable, has
to lose some. Power cuts need Linux and a C compiler.

  --store NAME     one of ${stores.join(', ')}; default ${stores[0]}
  --cuts N         power cuts in total; default 100
  --kills N        SIGKILLs in total; default 1000
  --stops N        of the service worker, in browsers, in total; default 1000
  --seed N         of the moments and of what a cut leaves; default 1
  --results FILE   figures of earlier runs, which are added to; default node_modules/.cache/power/NAME.json
  --fresh          begin at 0
  --help           this text

A run that is broken off is taken up by the same command. Exits with 1 when anything was lost or doubled, or the control
lost nothing; with 2 for an error.`;
}

/** Throws an explained error for options that are none. */
export function readOptions(args: readonly string[], stores: readonly string[]): PowerRunOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      store: { type: 'string', default: stores[0] ?? '' },
      cuts: { type: 'string', default: '100' },
      kills: { type: 'string', default: '1000' },
      stops: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '1' },
      results: { type: 'string' },
      fresh: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { store, results, fresh, help } = values;
  if (!stores.includes(store)) throw new Error(`--store takes one of ${stores.join(', ')}, not ${store}`);
  const [cuts, kills] = [count('cuts', values.cuts), count('kills', values.kills)];
  const [stops, seed] = [count('stops', values.stops), count('seed', values.seed)];
  return { store, cuts, kills, stops, seed, results, fresh, help };
}

function count(name: string, text: string): number {
  const number = Number(text);
  if (text === '' || !Number.isInteger(number) || number < 0)
    throw new Error(`--${name} takes a whole number, not ${text}`);
  return number;
}
