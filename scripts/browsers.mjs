// The browsers that the end-to-end tests drive: stock Chromium and stock Firefox, from the system's package manager where
// possible (docs/decisions/0001-tools.md says why not Playwright's Firefox).
import { accessSync, constants, existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { root, run, say } from './tools.mjs';

/**
 * One thing the end-to-end tests need: how to find it, and what Debian calls it.
 *
 * @typedef {object} Need
 * @property {string} name as it is printed
 * @property {string} variable environment variable that names the executable
 * @property {readonly string[]} places usual paths
 * @property {string} debianPackage
 */

/** @type {readonly Need[]} */
export const NEEDS = [
  {
    name: 'Chromium',
    variable: 'WAKELOG_CHROMIUM',
    places: [
      '/usr/bin/chromium',
      '/usr/bin/chromium-browser',
      '/usr/bin/google-chrome',
      '/usr/bin/google-chrome-stable',
    ],
    debianPackage: 'chromium',
  },
  {
    name: 'Firefox',
    variable: 'WAKELOG_FIREFOX',
    places: ['/usr/bin/firefox-esr', '/usr/bin/firefox', '/Applications/Firefox.app/Contents/MacOS/firefox'],
    debianPackage: 'firefox-esr',
  },
];

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Path of an executable, or null. A variable that is set decides alone, so that a wrong one is noticed.
 *
 * @param {Need} need
 * @param {Record<string, string | undefined>} env
 * @param {(path: string) => boolean} [exists]
 * @returns {string | null}
 */
export function findExecutable(need, env, exists = isExecutable) {
  const named = env[need.variable];
  const places = named === undefined || named === '' ? need.places : [named];
  return places.find((path) => exists(path)) ?? null;
}

/** Path of the Chromium that Playwright has downloaded, or null. */
function findPlaywrightChromium() {
  const playwright = createRequire(import.meta.url)('playwright');
  const path = playwright.chromium.executablePath();
  return isExecutable(path) ? path : null;
}

function canUseApt() {
  return process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
}

/** @param {readonly Need[]} needs */
async function installByApt(needs) {
  const packages = needs.map((need) => need.debianPackage);
  say(`installing ${packages.join(', ')} (apt-get) …`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const install = () => run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], { env });
  // A fresh container has no package lists; a machine that is up to date need not fetch them again.
  if ((await install()) === 0) return;
  if ((await run('apt-get', ['update', '-q'], { env })) === 0) await install();
}

/**
 * Finds the browsers and installs what is missing and can be installed. Returns the environment that names what was
 * found, and the names of what was not.
 *
 * @returns {Promise<{ env: Record<string, string>, missing: string[] }>}
 */
export async function ensureBrowsers() {
  const isMissing = (/** @type {Need} */ need) => findExecutable(need, process.env) === null;
  const wanted = NEEDS.filter((need) => isMissing(need) && !process.env[need.variable]);
  if (wanted.length > 0 && canUseApt()) await installByApt(wanted);

  /** @type {Record<string, string>} */
  const env = {};
  for (const need of NEEDS) {
    const path = findExecutable(need, process.env);
    if (path !== null) env[need.variable] = path;
  }
  if (env['WAKELOG_CHROMIUM'] === undefined && !process.env['WAKELOG_CHROMIUM']) {
    const path = findPlaywrightChromium() ?? (await downloadChromium());
    if (path !== null) env['WAKELOG_CHROMIUM'] = path;
  }
  const missing = NEEDS.filter((need) => env[need.variable] === undefined);
  for (const need of missing) say(explainMissing(need, process.env[need.variable]));
  return { env, missing: missing.map((need) => need.name) };
}

async function downloadChromium() {
  say('downloading Chromium (playwright install) …');
  await run('node', [`${root}node_modules/playwright/cli.js`, 'install', '--no-shell', 'chromium']);
  return findPlaywrightChromium();
}

/**
 * @param {Need} need
 * @param {string | undefined} named
 */
export function explainMissing(need, named) {
  if (named) return `${need.name} is missing: ${need.variable} names ${named}, which is no executable`;
  return `${need.name} is missing: install it (Debian: apt-get install ${need.debianPackage}) or name it in ${need.variable}`;
}
