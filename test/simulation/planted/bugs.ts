import type { PlantedBug } from './bug.ts';
import { ENGINE_BUGS } from './bugs/engine.ts';
import { LOG_STORE_BUGS } from './bugs/log-store.ts';
import { OWN_LOG_BUGS } from './bugs/own-log.ts';
import { SERVER_BUGS } from './bugs/server.ts';
import { STORAGE_BUGS } from './bugs/storage.ts';
import { VIEW_BUGS } from './bugs/views.ts';

const ALL_BUGS: readonly PlantedBug[] = [...LOG_STORE_BUGS, ...OWN_LOG_BUGS, ...ENGINE_BUGS, ...VIEW_BUGS, ...SERVER_BUGS, ...STORAGE_BUGS];

/**
 * What no seed has found so far: holes in faults, workload or checkers, or mistakes that change nothing for anybody. They
 * count for nothing until they are found (`npm run planted -- --open --remember`, and then the name is taken off here).
 */
const OPEN: ReadonlySet<string> = new Set<string>([
]);

/** Every bug that the simulator has to find (issue: the tests are tested). */
export const PLANTED_BUGS: readonly PlantedBug[] = ALL_BUGS.filter(({ name }) => !OPEN.has(name));

export const OPEN_BUGS: readonly PlantedBug[] = ALL_BUGS.filter(({ name }) => OPEN.has(name));
