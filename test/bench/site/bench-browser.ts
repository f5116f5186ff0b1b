import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Chromium } from '../../platform/chromium.ts';
import { launchChromium } from '../../platform/chromium.ts';
import type { ChromiumPage } from '../../platform/parts/chromium-page.ts';
import type { CommandName, Commands, Reply } from '../commands.ts';

/** A browser with the bench page open; `relaunch` starts it anew on the same profile, so that every cache but the system's is cold. */
export interface BenchBrowser {
  readonly tell: <N extends CommandName>(name: N, ask: Commands[N]['ask']) => Promise<Commands[N]['answer']>;
  /** Another page of the site. */
  readonly page: (path: string) => Promise<ChromiumPage>;
  readonly relaunch: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface BenchBrowserOptions {
  readonly profile: string;
  readonly origin: string;
  /** A folder for CPU profiles of the worker. */
  readonly cpuProfiles: string | undefined;
}

export async function openBenchBrowser({ profile, origin, cpuProfiles }: BenchBrowserOptions): Promise<BenchBrowser> {
  let { chromium, page } = await open();
  let recorded = 0;

  async function open(): Promise<{ readonly chromium: Chromium; readonly page: ChromiumPage }> {
    const chromium = await launchChromium({ profile });
    const page = await chromium.page(`${origin}/bench/`);
    await page.eval('ready.then(() => true)');
    return { chromium, page };
  }

  async function tell<N extends CommandName>(name: N, ask: Commands[N]['ask']): Promise<Commands[N]['answer']> {
    const stop =
      cpuProfiles === undefined
        ? undefined
        : await startProfile(chromium, page, join(cpuProfiles, `${++recorded}-${name}`));
    const reply = await page.eval<Reply<N>>(`tell(${JSON.stringify({ name, ask })})`);
    await stop?.();
    if ('error' in reply) throw new Error(`${name}: ${reply.error}`);
    return reply.ok;
  }

  return {
    tell,
    page: (path) => chromium.page(origin + path),
    async relaunch() {
      await chromium.close();
      ({ chromium, page } = await open());
    },
    close: () => chromium.close(),
  };
}

/** Records what the worker's thread does until the returned function is called, then writes it as a `.cpuprofile`. */
async function startProfile(chromium: Chromium, page: ChromiumPage, path: string): Promise<() => Promise<void>> {
  await page.eval(`tell({ name: 'wake', ask: {} })`);
  const { targetInfos } = await chromium.send<{ targetInfos: { type: string; targetId: string }[] }>(
    'Target.getTargets',
  );
  const worker = targetInfos.find(({ type }) => type === 'service_worker');
  if (worker === undefined) throw new Error('no worker runs that could be profiled');
  const { sessionId } = await chromium.send<{ sessionId: string }>('Target.attachToTarget', {
    targetId: worker.targetId,
    flatten: true,
  });
  await chromium.send('Profiler.enable', {}, sessionId);
  await chromium.send('Profiler.setSamplingInterval', { interval: 500 }, sessionId);
  await chromium.send('Profiler.start', {}, sessionId);
  return async () => {
    const { profile } = await chromium.send<{ profile: object }>('Profiler.stop', {}, sessionId);
    await chromium.send('Target.detachFromTarget', { sessionId });
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.cpuprofile`, JSON.stringify(profile));
  };
}
