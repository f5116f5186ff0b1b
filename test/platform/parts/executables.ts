import { accessSync, constants } from 'node:fs';

/** Path of the Chromium to test with, or null when the machine has none: WAKELOG_CHROMIUM, else Debian's place. */
export function chromiumExecutable(): string | null {
  return executable(process.env['WAKELOG_CHROMIUM'], '/usr/bin/chromium');
}

/** Path of the Firefox to test with, or null when the machine has none: WAKELOG_FIREFOX, else Debian's place. */
export function firefoxExecutable(): string | null {
  return executable(process.env['WAKELOG_FIREFOX'], '/usr/bin/firefox-esr');
}

function executable(named: string | undefined, usual: string): string | null {
  const path = named === undefined || named === '' ? usual : named;
  try {
    accessSync(path, constants.X_OK);
    return path;
  } catch {
    return null;
  }
}
