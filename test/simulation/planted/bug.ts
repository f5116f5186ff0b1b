import type { FaultKind } from '../plan/plan.ts';

/** A mistake that the simulation's build can be given, and that the simulation has to find. */
export interface PlantedBug {
  readonly name: string;
  /** The file of production code that it is in, from the root of the project. */
  readonly file: string;
  /** A piece of its text that is there exactly once, … */
  readonly find: string;
  /** … and what stands there instead. */
  readonly replace: string;
  /** What its programmer would have thought. */
  readonly why: string;
  /** What has to happen for it to matter: drawn only with `--hinted`, to find a seed to remember. */
  readonly faults?: readonly FaultKind[];
}

/** The source with the bug in it. Throws when its text is not there once, and once only. */
export function plantInto(source: string, { name, file, find, replace }: PlantedBug): string {
  const found = source.split(find).length - 1;
  if (found !== 1) throw new Error(`planted bug ${name}: its text is ${found} times in ${file}, not once`);
  return source.replace(find, () => replace);
}
