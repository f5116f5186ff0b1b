import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { firefoxExecutable } from '../../platform/parts/executables.ts';
import { QUIET_PREFS } from '../../platform/parts/firefox-prefs.ts';
import type { FirefoxPrefs } from '../../platform/parts/firefox-prefs.ts';
import { killTree } from '../../platform/parts/processes.ts';
import { endWithUs } from '../../platform/parts/scratch.ts';
import type { BrowserOptions, PowerBrowser } from './browser.ts';
import type { Marionette } from './marionette.ts';
import { connectMarionette } from './marionette.ts';

const STARTS_WITHIN_MS = 40_000;

const STOP_WORKERS = `
  const list = Cc['@mozilla.org/serviceworkers/manager;1'].getService(Ci.nsIServiceWorkerManager).getAllRegistrations();
  for (let i = 0; i < list.length; i++)
    await list.queryElementAt(i, Ci.nsIServiceWorkerRegistrationInfo).activeWorker?.terminateWorker();`;

const CLEAR_SITE = `
  const [origin, what] = args;
  const principal = Services.scriptSecurityManager.createContentPrincipalFromOrigin(origin);
  if (what === 'everything')
    await new Promise((onDataDeleted) => Services.clearData.deleteDataFromPrincipal(principal, true,
      Ci.nsIClearDataService.CLEAR_DOM_STORAGES, { onDataDeleted }));
  else await new Promise((resolve) => {
    Services.qms.clearStoragesForClient(principal, 'idb', 'default').callback = resolve;
  });`;

/** Stock Firefox on Marionette: unlike Playwright's protocol it can stop workers and clear a site's data. */
export async function launchFirefoxOnMarionette({
  profile,
  env = {},
  roomBytes,
}: BrowserOptions): Promise<PowerBrowser> {
  const executable = firefoxExecutable();
  if (executable === null) throw new Error('no Firefox found: install firefox-esr or name one in WAKELOG_FIREFOX');
  const portFile = join(profile, 'MarionetteActivePort');
  rmSync(portFile, { force: true }); // of the life before
  writePrefs(profile, {
    ...QUIET_PREFS,
    'marionette.port': 0,
    'browser.tabs.remote.warmup.enabled': false,
    // KB for all sites together; one site gets a part of it.
    ...(roomBytes === undefined ? {} : { 'dom.quotaManager.temporaryStorage.fixedLimit': Math.ceil(roomBytes / 1024) }),
  });
  const args = [
    '--headless',
    '--marionette',
    '--remote-allow-system-access',
    '--no-remote',
    '--profile',
    profile,
    'about:blank',
  ];
  const child = spawn(executable, args, {
    stdio: 'ignore',
    env: {
      ...process.env,
      HOME: profile,
      MOZ_DISABLE_NONLOCAL_CONNECTIONS: '1',
      MOZ_CRASHREPORTER_DISABLE: '1',
      ...env,
    },
  });
  const exited = once(child, 'exit');
  const pid = child.pid;
  if (pid === undefined) throw new Error('Firefox could not be started');
  const forget = endWithUs(pid);
  void exited.then(forget);
  const hasExited = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const marionette = await reach(portFile, hasExited);
  return {
    name: 'firefox',
    pid,
    async open(url) {
      const { handle } = await marionette.send<{ handle: string }>('WebDriver:NewWindow', { type: 'tab' });
      await marionette.send('WebDriver:SwitchToWindow', { handle });
      await marionette.send('WebDriver:Navigate', { url });
    },
    stopWorkers: () => marionette.runInBrowser(STOP_WORKERS),
    clearSite: (origin, what) => marionette.runInBrowser(CLEAR_SITE, origin, what),
    liftRoom: async () => {},
    async close() {
      if (hasExited()) return;
      marionette.send('Marionette:Quit', { flags: ['eForceQuit'] }).catch(() => {}); // the socket may end before the answer
      await exited;
    },
    async kill() {
      if (hasExited()) return;
      await killTree(pid);
      await exited;
      marionette.end();
    },
  };
}

function writePrefs(profile: string, prefs: FirefoxPrefs): void {
  mkdirSync(profile, { recursive: true });
  const lines = Object.entries(prefs).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`,
  );
  writeFileSync(join(profile, 'user.js'), lines.join('\n'));
}

// Firefox tells its port in a file; nothing announces it. On a profile that a power cut left half written it may find, once
// it listens, that it has to start anew, on another port.
async function reach(portFile: string, hasExited: () => boolean): Promise<Marionette> {
  for (const end = Date.now() + STARTS_WITHIN_MS; Date.now() < end; await delay(20)) {
    if (hasExited()) throw new Error('Firefox ended before it could be spoken to');
    const port = Number(readOrEmpty(portFile));
    const marionette = port > 0 ? await connectMarionette(port).catch(() => undefined) : undefined;
    if (marionette !== undefined) return marionette;
  }
  throw new Error(`Firefox did not start within ${STARTS_WITHIN_MS} ms`);
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
