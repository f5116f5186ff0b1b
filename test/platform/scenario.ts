import { test as base } from '@playwright/test';

import { chromiumExecutable, firefoxExecutable } from './parts/executables.ts';
import { createScratch } from './parts/scratch.ts';
import type { Scratch } from './parts/scratch.ts';

/** Playwright's `test` with a `scratch`, put away at the end of each test, passed or failed. */
export const test = base.extend<{ scratch: Scratch }>({
  // eslint-disable-next-line no-empty-pattern -- Playwright reads the fixtures it must build from this very pattern
  scratch: async ({}, use) => {
    const scratch = createScratch();
    await use(scratch);
    await scratch.end();
  },
});

/** Skips the present test, naming the browser, where there is none. */
export function needsChromium(): void {
  test.skip(chromiumExecutable() === null, 'no Chromium on this machine');
}

/** Skips the present test, naming the browser, where there is none. */
export function needsFirefox(): void {
  test.skip(firefoxExecutable() === null, 'no Firefox on this machine');
}
