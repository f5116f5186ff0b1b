// Adds up what the test runners and the simulator report, so that `npm test` can end with one line.

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/**
 * @typedef {object} VitestReport what this reads of vitest's JSON reporter
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {number} numPendingTests
 * @property {number} numTodoTests
 * @property {readonly { status: string, assertionResults: readonly { status: string }[] }[]} testResults one a file
 */

/**
 * @typedef {object} PlaywrightReport what this reads of Playwright's JSON reporter
 * @property {{ expected: number, unexpected: number, flaky: number, skipped: number }} stats
 * @property {readonly unknown[]} errors those of no test: a file that does not load, a worker that dies
 */

/**
 * A run that ended badly has failed, also when it wrote no report or its report counts no failed test (an unhandled
 * rejection, a crash).
 *
 * @param {Counts | null} counts
 * @param {number} exitCode
 * @returns {Counts}
 */
export function withExitCode(counts, exitCode) {
  if (counts === null) return { passed: 0, failed: 1, skipped: 0 };
  return exitCode !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

/**
 * @param {VitestReport} report
 * @returns {Counts}
 */
export function countVitest(report) {
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + brokenFiles.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/**
 * In CI a browser scenario that failed is run up to twice more (a shared machine may stall for seconds); Playwright names it as flaky.
 *
 * @param {PlaywrightReport} report
 * @returns {Counts}
 */
export function countPlaywright(report) {
  const { expected, unexpected, flaky, skipped } = report.stats;
  return { passed: expected + flaky, failed: unexpected + report.errors.length, skipped };
}

/**
 * The simulator counts for itself: a plan that broke no invariant has passed; a dose that time did not suffice for is a skip.
 *
 * @param {Counts} report
 * @returns {Counts}
 */
export function countSimulation({ passed, failed, skipped }) {
  return { passed, failed, skipped };
}

/**
 * The total of all runs. Where skips are forbidden (CI), each counts as failed: a test that did not run proves nothing.
 *
 * @param {readonly Counts[]} runs
 * @param {{ skipsFail: boolean }} options
 * @returns {Counts}
 */
export function total(runs, { skipsFail }) {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const run of runs) {
    sum.passed += run.passed;
    sum.failed += run.failed;
    sum.skipped += run.skipped;
  }
  return skipsFail ? { passed: sum.passed, failed: sum.failed + sum.skipped, skipped: 0 } : sum;
}

/** @param {Counts} counts */
export function summaryLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
