import { expect, test } from 'vitest';
import { countPlaywright, countSimulation, countVitest, summaryLine, total, withExitCode } from '../../scripts/summary.mjs';

const file = (status: string, ...tests: string[]) => ({
  status,
  assertionResults: tests.map((each) => ({ status: each })),
});

test('HOUSE vitest: a file that does not load is a failure of its own, a file with a failed test is not counted twice', () => {
  const report = {
    numPassedTests: 5,
    numFailedTests: 1,
    numPendingTests: 2,
    numTodoTests: 1,
    testResults: [file('passed', 'passed'), file('failed', 'passed', 'failed'), file('failed')],
  };
  expect(countVitest(report)).toEqual({ passed: 5, failed: 2, skipped: 3 });
});

test('HOUSE Playwright: what passed the second time passed, errors outside tests are failures', () => {
  const report = { stats: { expected: 7, unexpected: 1, flaky: 1, skipped: 2 }, errors: [{}] };
  expect(countPlaywright(report)).toEqual({ passed: 8, failed: 2, skipped: 2 });
});

test('HOUSE simulator: runs that broke nothing have passed, a dose cut short by time is a skip', () => {
  expect(countSimulation({ passed: 90, failed: 0, skipped: 1 })).toEqual({ passed: 90, failed: 0, skipped: 1 });
  expect(total([countSimulation({ passed: 90, failed: 0, skipped: 1 })], { skipsFail: true }).failed).toBe(1);
});

test('HOUSE a runner that ends badly has failed, whatever its report says', () => {
  const green = { passed: 3, failed: 0, skipped: 0 };
  expect(withExitCode(green, 0)).toEqual(green);
  expect(withExitCode(green, 1).failed).toBe(1);
  expect(withExitCode({ passed: 3, failed: 2, skipped: 0 }, 1).failed).toBe(2);
  expect(withExitCode(null, 0).failed).toBe(1);
});

test('HOUSE skips are named in the last line, and fail where they are forbidden', () => {
  const runs = [
    { passed: 1, failed: 0, skipped: 0 },
    { passed: 2, failed: 0, skipped: 3 },
  ];
  expect(summaryLine(total(runs, { skipsFail: false }))).toBe('3 passed, 0 failed, 3 skipped');
  expect(summaryLine(total(runs, { skipsFail: true }))).toBe('3 passed, 3 failed');
});
