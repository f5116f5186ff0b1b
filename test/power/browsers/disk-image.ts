import { cpSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { BrowserName } from './browser.ts';

/** Where a browser keeps the databases of its sites, in its profile: a few megabytes, of all of it some dozen. */
const DATABASES: Readonly<Record<BrowserName, string>> = {
  chromium: join('Default', 'IndexedDB'),
  firefox: join('storage', 'default'),
};
const LOST = fileURLToPath(new URL('../../../node_modules/.cache/power/lost/', import.meta.url));

/** What a disk held after a cut, before anybody read it. */
export interface DiskImage {
  /** Puts it where it stays; returns where. */
  readonly keep: () => string;
  readonly forget: () => void;
}

export function takeImage(profile: string, browser: BrowserName): DiskImage {
  const image = `${profile}-image`;
  const from = join(profile, DATABASES[browser]);
  rmSync(image, { recursive: true, force: true });
  if (existsSync(from)) cpSync(from, image, { recursive: true });
  return {
    keep() {
      const to = join(LOST, `${browser}-${new Date().toISOString().replaceAll(':', '-')}`);
      mkdirSync(LOST, { recursive: true });
      if (!existsSync(image)) return 'nothing';
      try {
        renameSync(image, to);
      } catch {
        // Another file system.
        cpSync(image, to, { recursive: true });
      }
      return to;
    },
    forget: () => rmSync(image, { recursive: true, force: true }),
  };
}
