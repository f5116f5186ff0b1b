import { registerHooks } from 'node:module';
import { plantInto } from './bug.ts';
import { OPEN_BUGS, PLANTED_BUGS } from './bugs.ts';

/*
 * The switch of the simulation's build: `WAKELOG_PLANTED=<name> node --import <this file>`. Production code knows nothing of
 * it; the text of one file is changed as it is loaded.
 */

const name = process.env['WAKELOG_PLANTED'];
const bug = [...PLANTED_BUGS, ...OPEN_BUGS].find((one) => one.name === name);
if (bug === undefined) throw new Error(`WAKELOG_PLANTED names no planted bug: ${name}`);
const url = new URL(`../../../${bug.file}`, import.meta.url).href;

registerHooks({
  load(loading, context, nextLoad) {
    const loaded = nextLoad(loading, context);
    if (loading !== url) return loaded;
    return { ...loaded, source: plantInto(new TextDecoder().decode(loaded.source as Uint8Array), bug) };
  },
});
