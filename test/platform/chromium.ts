import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

import { chromium } from '@playwright/test';
import type { BrowserContext } from '@playwright/test';

import { createCdpPipe } from './parts/cdp-pipe.ts';
import type { CdpPipe } from './parts/cdp-pipe.ts';
import { openPage } from './parts/chromium-page.ts';
import type { ChromiumPage } from './parts/chromium-page.ts';
import { createChromiumWorkers } from './parts/chromium-workers.ts';
import type { ChromiumWorkers } from './parts/chromium-workers.ts';
import { chromiumExecutable } from './parts/executables.ts';
import { killTree } from './parts/processes.ts';
import { endWithUs } from './parts/scratch.ts';

const ARGS = [
  '--no-sandbox', // the sandbox refuses root, and tests run as root in containers
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--password-store=basic',
];

export interface ChromiumOptions {
  /** Persistent profile folder. The same folder again is a relaunch of the same browser. */
  readonly profile: string;
  /** More switches: a push service's `args`, `backgroundSyncArgs()` … */
  readonly args?: readonly string[];
}

/** A Chromium whose workers live and die as they do for users: the control pipe attaches to no service worker. */
export interface Chromium {
  readonly pid: number;
  readonly workers: ChromiumWorkers;
  readonly send: CdpPipe['send'];
  readonly onEvent: CdpPipe['onEvent'];
  /** Open tabs, by URL. */
  tabs(): Promise<string[]>;
  page(url?: string): Promise<ChromiumPage>;
  /** A clean quit: lazily written files are flushed. */
  close(): Promise<void>;
  /** SIGKILL to the browser and all its processes. */
  kill(): Promise<void>;
}

/** Starts Chromium on a CDP pipe. `kill()` or `close()`, then launch again with the same profile, is a relaunch. */
export async function launchChromium({ profile, args = [] }: ChromiumOptions): Promise<Chromium> {
  const switches = [
    '--headless',
    ...ARGS,
    '--remote-debugging-pipe',
    `--user-data-dir=${profile}`,
    ...args,
    'about:blank',
  ];
  const child = spawn(requireChromium(), switches, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  const pid = child.pid;
  if (pid === undefined) throw new Error('Chromium could not be started');
  const forget = endWithUs(pid);
  const pipe = createCdpPipe(child.stdio[3] as Writable, child.stdio[4] as Readable);
  void exited.then(() => {
    forget();
    pipe.end('the browser is gone');
  });
  await pipe.send('Browser.getVersion');

  const hasExited = (): boolean => child.exitCode !== null || child.signalCode !== null;
  return {
    pid,
    workers: createChromiumWorkers(pipe),
    send: pipe.send,
    onEvent: pipe.onEvent,
    async tabs() {
      const { targetInfos } = await pipe.send<{ targetInfos: { type: string; url: string }[] }>('Target.getTargets');
      return targetInfos.filter((target) => target.type === 'page').map((target) => target.url);
    },
    page: (url) => openPage(pipe, url),
    async close() {
      if (hasExited()) return;
      pipe.send('Browser.close').catch(() => {}); // the pipe may end before the answer
      await exited;
    },
    async kill() {
      if (hasExited()) return;
      await killTree(pid);
      await exited;
    },
  };
}

/**
 * Chromium under Playwright: `context.setOffline` reaches workers and holds real sync events back. DevTools is attached to
 * every worker here, so none ever idles out; use `launchChromium` where life time, SIGKILL or natural wake-up matters.
 */
export function playwrightChromium({ profile, args = [] }: ChromiumOptions): Promise<BrowserContext> {
  return chromium.launchPersistentContext(profile, {
    executablePath: requireChromium(),
    headless: true,
    args: [...ARGS, ...args],
  });
}

/**
 * Writes the notification permission of `origin` into the profile, before the first launch or between two. A permission
 * given by the driver is not stored, and the push subscription is lost with it at the next launch.
 */
export function grantNotifications(profile: string, origin: string): void {
  const path = join(profile, 'Default', 'Preferences');
  const preferences = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Tree) : {};
  const settings = ['profile', 'content_settings', 'exceptions', 'notifications'].reduce(
    (tree, name) => (tree[name] ??= {}) as Tree,
    preferences,
  );
  settings[`${origin},*`] = { setting: 1, last_modified: '13300000000000000' };
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(preferences));
}

interface Tree {
  [name: string]: unknown;
}

export interface BackgroundSyncTiming {
  readonly firstRetrySec?: number;
  readonly retryFactor?: number;
  readonly maxAttempts?: number;
}

/** Switches that make a rejected sync event come back soon; by default Chromium waits 5 minutes. */
export function backgroundSyncArgs({
  firstRetrySec = 2,
  retryFactor = 2,
  maxAttempts = 3,
}: BackgroundSyncTiming = {}): string[] {
  const params = {
    initial_retry_delay_sec: firstRetrySec,
    retry_delay_factor: retryFactor,
    max_sync_attempts: maxAttempts,
    min_recovery_time_sec: 1,
  };
  const list = Object.entries(params)
    .map(([name, value]) => `${name}/${value}`)
    .join('/');
  return ['--force-fieldtrials=BackgroundSync/E', `--force-fieldtrial-params=BackgroundSync.E:${list}`];
}

function requireChromium(): string {
  const path = chromiumExecutable();
  if (path === null) throw new Error('no Chromium found: install it or name it in WAKELOG_CHROMIUM');
  return path;
}
