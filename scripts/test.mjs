// `npm test`: sets everything up on a fresh clone, builds, runs vitest, the simulator, the planted bugs and then Playwright, and
// ends with one line: `N passed, N failed` (`, N skipped` where a browser is missing or a simulation came to less than its
// dose; with CI set a skip counts as failed).
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { ensureBrowsers } from './browsers.mjs';
import { build } from './build.mjs';
import { ensureDependencies } from './dependencies.mjs';
import { countPlaywright, countSimulation, countVitest, summaryLine, total, withExitCode } from './summary.mjs';
import { cache, run, runMain, say, SetupError } from './tools.mjs';

/**
 * Runs one test runner and counts from the report it writes.
 *
 * @param {string} name
 * @param {readonly [command: string, ...args: string[]]} command
 * @param {{ env: Record<string, string>, variable: string, count: (report: any) => import('./summary.mjs').Counts }} how
 */
async function runTests(name, [command, ...args], { env, variable, count }) {
  const report = `${cache}${name}-report.json`;
  mkdirSync(cache, { recursive: true });
  rmSync(report, { force: true });
  say(`running ${name} …`);
  const exitCode = await run(command, args, { env: { ...env, [variable]: report } });
  return withExitCode(existsSync(report) ? count(JSON.parse(readFileSync(report, 'utf8'))) : null, exitCode);
}

/** The build as one check among the tests: what does not need dist/ is still run when it fails. */
async function buildAsCheck() {
  say('building dist/ …');
  try {
    await build();
    return { passed: 0, failed: 0, skipped: 0 };
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

await runMain(async () => {
  await ensureDependencies();
  const { env, missing } = await ensureBrowsers();
  // Colours are for a terminal; in a log they hide the words. (Playwright sees to that itself.)
  const plain = process.stdout.isTTY ? env : { ...env, NO_COLOR: '1' };
  const skipsFail = Boolean(process.env['CI']);
  const runs = [
    await buildAsCheck(),
    await runTests('vitest', ['vitest', 'run'], { env: plain, variable: 'WAKELOG_VITEST_JSON', count: countVitest }),
    await runTests('simulator', ['npm', 'run', '--silent', 'simulate', '--', '--ci'], {
      env: plain,
      variable: 'WAKELOG_SIMULATE_JSON',
      count: countSimulation,
    }),
    await runTests('planted', ['npm', 'run', '--silent', 'planted', '--', '--remembered'], {
      env: plain,
      variable: 'WAKELOG_PLANTED_JSON',
      count: countSimulation,
    }),
    await runTests('playwright', ['playwright', 'test'], {
      env,
      variable: 'WAKELOG_PLAYWRIGHT_JSON',
      count: countPlaywright,
    }),
  ];
  const skipped = runs.reduce((sum, { skipped: count }) => sum + count, 0);
  if (skipped > 0) {
    const why = missing.length > 0 ? `, for want of ${missing.join(', ')}` : '';
    say(`${skipped} skipped${why}${skipsFail ? '; with CI set, that counts as failed' : ''}`);
  }
  const sum = total(runs, { skipsFail });
  console.log(`\n${summaryLine(sum)}`);
  return sum.failed === 0 ? 0 : 1;
});
