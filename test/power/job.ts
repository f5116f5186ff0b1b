/** How much a store has to stand. */
export interface Dose {
  readonly powerCuts: number;
  readonly kills: number;
  /** Of workers, in the middle of their events; a store that has none ignores it. */
  readonly stops: number;
  /** The moments of cuts, kills and stops, and what each leaves on the disk. */
  readonly seed: number;
}

/** What was counted. Additive, so that a run can go on where one ended. */
export interface Figures {
  readonly powerCuts: number;
  readonly kills: number;
  readonly stops: number;
  /** Writes that somebody was told are durable. */
  readonly acknowledged: number;
  /** Of these, not there after a cut or a kill: there is to be none. */
  readonly lost: number;
  /** Cuts at which a browser's own store had torn a transaction. */
  readonly torn: number;
  /** There more than once: there is to be none. */
  readonly doubled: number;
  /** The same over disks or modes that are not durable: without losses here the figures above prove nothing. */
  readonly control: { readonly powerCuts: number; readonly acknowledged: number; readonly lost: number };
}

/** One store under power cuts and kills. */
export interface PowerJob {
  /** As `npm run power -- --store` names it. */
  readonly name: string;
  /**
   * Gives the dose and resolves with what was counted. Tells now and then what was counted so far: a run that is broken
   * off is taken up from there, with a dose that is smaller by it. Throws for anything wrong that is neither lost nor
   * doubled (a broken chain, a store that does not open).
   */
  readonly run: (dose: Dose, onProgress: (soFar: Figures) => void) => Promise<Figures>;
}

export const NO_FIGURES: Figures = {
  powerCuts: 0,
  kills: 0,
  stops: 0,
  acknowledged: 0,
  lost: 0,
  torn: 0,
  doubled: 0,
  control: { powerCuts: 0, acknowledged: 0, lost: 0 },
};

export function addFigures(a: Figures, b: Figures): Figures {
  return {
    powerCuts: a.powerCuts + b.powerCuts,
    kills: a.kills + b.kills,
    stops: a.stops + b.stops,
    acknowledged: a.acknowledged + b.acknowledged,
    lost: a.lost + b.lost,
    torn: a.torn + b.torn,
    doubled: a.doubled + b.doubled,
    control: {
      powerCuts: a.control.powerCuts + b.control.powerCuts,
      acknowledged: a.control.acknowledged + b.control.acknowledged,
      lost: a.control.lost + b.control.lost,
    },
  };
}
