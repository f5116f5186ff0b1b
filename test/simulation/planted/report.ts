import type { Search } from './search.ts';

/** The table of `docs/planted-bugs.md`. */
export function toMarkdown(searches: readonly Search[], { fresh, seconds }: { readonly fresh: boolean; readonly seconds: number }): string {
  const found = searches.filter((search) => search.found !== undefined);
  const lines = searches.map(({ bug, found: how, cpuMs, runs }) => {
    const cells = [`\`${bug.name}\``, bug.file.split('/').slice(-1)[0] ?? '', bug.why, how?.rule ?? '**not found**', seedText(how), `${(cpuMs / 1_000).toFixed(1)} (${runs})`];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return `# Planted bugs

The tests are tested: each of these mistakes is put into production code as it is loaded (\`test/simulation/planted\`), and the
simulator has to break a rule because of it within ${seconds} s of CPU time. A run counts only when the same seed breaks nothing
without the bug. Written by \`npm run planted -- --table\`; do not edit.

${found.length} of ${searches.length} found. ${fresh ? 'No seed was remembered: time and runs are those of a search from the first seed on.' : 'Remembered seeds were tried first: time and runs are those it takes to find the bug again.'}
A seed "with" faults draws only those.

| bug | in | what its programmer would have thought | found by | seed | CPU s (runs) |
|---|---|---|---|---|---|
${lines.join('\n')}
`;
}

export function seedText(found: Search['found']): string {
  if (found === undefined) return '';
  return found.faults === undefined ? String(found.seed) : `${found.seed} with ${found.faults.join(', ')}`;
}

/** The text of found-seeds.ts. */
export function toFoundSeeds(searches: readonly Search[], before: Readonly<Record<string, unknown>>): string {
  const seeds: Record<string, unknown> = { ...before };
  for (const { bug, found } of searches) if (found !== undefined) seeds[bug.name] = { seed: found.seed, faults: found.faults };
  const lines = Object.entries(seeds).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const text = lines.map(([name, trial]) => `  '${name}': ${trialText(trial as { seed: number; faults?: readonly string[] })},`);
  return `import type { Trial } from './search.ts';

/** What found each bug the last time: tried first. Written by \`npm run planted -- --remember\`. */
export const FOUND_SEEDS: Readonly<Record<string, Trial>> = {
${text.join('\n')}
};
`;
}

function trialText({ seed, faults }: { readonly seed: number; readonly faults?: readonly string[] }): string {
  return `{ seed: ${seed}, faults: ${faults === undefined ? 'undefined' : `[${faults.map((kind) => `'${kind}'`).join(', ')}]`} }`;
}
