import { defineConfig } from '@playwright/test';

const report = process.env['WAKELOG_PLAYWRIGHT_JSON'];

/**
 * The scenarios launch their browsers themselves (test/platform): a browser that is killed, restarted and left without a
 * tab is what they are about, and Playwright's fixtures keep workers alive that must die. Which executables: environment
 * variables WAKELOG_CHROMIUM and WAKELOG_FIREFOX, set by scripts/test.mjs.
 */
export default defineConfig({
  testDir: 'test/e2e',
  testMatch: '**/*.spec.ts',
  outputDir: 'test-results',
  // Two cores: two browsers at once time each other out, and a red scenario must mean something.
  workers: 1,
  fullyParallel: false,
  // A shared CI machine may stall for seconds. What passes only a second or third time is named as flaky.
  retries: process.env['CI'] === undefined ? 0 : 2,
  timeout: 120_000,
  expect: { timeout: 15_000 },
  forbidOnly: Boolean(process.env['CI']),
  reporter: report === undefined ? [['list']] : [['list'], ['json', { outputFile: report }]],
});
