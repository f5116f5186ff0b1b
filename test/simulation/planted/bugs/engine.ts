import type { PlantedBug } from '../bug.ts';

/** Mistakes in what a device believes of its server (core/engine: exchange, sync loop, live stream). */
export const ENGINE_BUGS: readonly PlantedBug[] = [
  {
    name: 'cursor-before-entries',
    file: 'core/engine/exchange.ts',
    find: 'const verdicts = await replica.merge(response.runs, { values, valuesOfForks });',
    replace: 'await store.putValues(values);\n    const verdicts = await replica.merge(response.runs, { values: {}, valuesOfForks });',
    why: 'a value is written quickly, so it is written first',
    faults: ['disk-error'],
  },
  {
    name: 'acknowledged-beyond-what-was-sent',
    file: 'core/engine/exchange.ts',
    find: 'return new Map([[own, Math.min(said, Math.max(before, ends.get(own) ?? -1))]]);',
    replace: 'return new Map([[own, said]]);',
    why: 'the server knows what it holds of this log',
    faults: ['clone-profile', 'restore-profile'],
  },
  {
    name: 'html-counts-as-sent',
    file: 'core/engine/exchange.ts',
    find: 'const read = readAnswer(answer, space);',
    replace: `if (answer.status === 200 && answer.contentType !== SYNC_CONTENT_TYPE) {
        await store.putValues({ [ACKNOWLEDGED]: vectorToText(outgoing.ends) });
        return { kind: 'level' };
      }
      const read = readAnswer(answer, space);`,
    why: '200 is success',
    faults: ['network'],
  },
  {
    name: 'only-own-entries-sent-again',
    file: 'core/engine/exchange.ts',
    find: 'if (serverHeads !== undefined) return missingRanges(mine, serverHeads).filter(({ log }) => blocked[log] === undefined);',
    replace: 'if (serverHeads !== undefined) return missingRanges(mine, serverHeads).filter(({ log }) => blocked[log] === undefined && log === replica.ownLog());',
    why: 'every device answers for what it wrote',
    faults: ['server-restore', 'evict'],
  },
  {
    name: 'vectors-never-compared',
    file: 'core/engine/exchange.ts',
    find: '    if (response.compareVectors) {\n      // Another history',
    replace: '    if (response.compareVectors) {\n      await store.putValues({ [CURSOR]: cursorToText(response.cursor) });\n      serverHeads = undefined;\n      return \'more\';\n      // Another history',
    why: 'the new cursor says where to go on',
    faults: ['server-restore'],
  },
  {
    name: 'lack-ignored',
    file: 'core/engine/exchange.ts',
    find: 'if (verdicts.some(isLack)) await noteLack(comparing);',
    replace: '',
    why: 'what could not be taken now comes again with the next answer',
  },
  {
    name: 'passing-refusals-stay',
    file: 'core/engine/exchange.ts',
    find: 'blocked.filter(([, code]) => !PASSING_REFUSALS.has(code));',
    replace: 'blocked;',
    why: 'a refusal is a refusal',
  },
  {
    name: 'retry-after-ignored',
    file: 'core/engine/sync-state.ts',
    find: "const asked = outcome.kind === 'later' ? outcome.retryAfterMs : undefined;",
    replace: 'const asked = undefined;',
    why: 'the pauses of the device are long enough',
    faults: ['network'],
  },
  {
    name: 'no-pause-after-a-failure',
    file: 'core/engine/sync-state.ts',
    find: 'const pause = random * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 20));',
    replace: 'const pause = 0;',
    why: 'the sooner it is tried again, the sooner it is sent',
    faults: ['server-kill', 'network'],
  },
  {
    name: 'no-timer-after-a-failure',
    file: 'core/engine/sync-loop.ts',
    find: "if (state.phase === 'waiting') cancelTimer = clock.after(pauseMs(state.dueAt, clock.now()), () => wake('retry'));",
    replace: '',
    why: 'the next write or the next focus tries again',
    faults: ['server-kill', 'network'],
  },
  {
    name: 'wake-while-syncing-forgotten',
    file: 'core/engine/sync-state.ts',
    find: "return state.again ? syncing(level) : { ...level, phase: 'idle' };",
    replace: "return { ...level, phase: 'idle' };",
    why: 'a round that is under way takes along what is there',
  },
  {
    name: 'withheld-counts-as-held',
    file: 'core/engine/whole-vector.ts',
    find: "({ content }) => content.form === 'withheld'",
    replace: '() => false',
    why: 'the entry is chained and stored: what is lacking of it comes by position',
    faults: ['byzantine'],
  },
  {
    name: 'missing-range-begins-one-late',
    file: 'core/log/version-vector.ts',
    find: '(theirs.get(log) ?? -1) + 1;',
    replace: '(theirs.get(log) ?? -1) + (theirs.has(log) ? 2 : 1);',
    why: 'a vector names the entry that comes next',
  },
];
