import { grantNotifications, launchChromium } from '../../platform/chromium.ts';
import type { Chromium } from '../../platform/chromium.ts';
import { launchFirefox } from '../../platform/firefox.ts';
import type { Firefox } from '../../platform/firefox.ts';
import type { Scratch } from '../../platform/parts/scratch.ts';
import { createAutopushService } from '../../platform/push-service-autopush.ts';
import { createGcmService } from '../../platform/push-service-gcm.ts';
import type { PushService } from '../../platform/push/push-service.ts';

export interface Tab {
  /** Value of an expression, awaited in the page. */
  readonly run: <Value>(expression: string) => Promise<Value>;
  readonly close: () => Promise<void>;
}

export interface Browser {
  readonly open: (url: string) => Promise<Tab>;
  /** Addresses of the tabs that are open. */
  readonly tabs: () => Promise<string[]>;
  readonly quit: () => Promise<void>;
}

/** What scenarios 3 and 4 need of an engine: a push service of its own kind, and browsers that listen to it. */
export interface PushEngine {
  readonly service: PushService;
  /** The same profile folder again is a relaunch. Sites at `origin` may show notifications. */
  readonly launch: (profile: string, origin: string) => Promise<Browser>;
}

export async function createFirefoxEngine(scratch: Scratch): Promise<PushEngine> {
  const service = scratch.use(await createAutopushService(), (it) => it.stop());
  return {
    service,
    async launch(profile) {
      const firefox = scratch.use(await launchFirefox({ profile, pushUrl: service.pushUrl }), (it) => it.kill());
      return toBrowser(firefox);
    },
  };
}

export async function createChromiumEngine(scratch: Scratch): Promise<PushEngine> {
  const service = scratch.use(await createGcmService(), (it) => it.stop());
  return {
    service,
    async launch(profile, origin) {
      grantNotifications(profile, origin);
      const chromium = scratch.use(await launchChromium({ profile, args: service.args }), (it) => it.kill());
      return toBrowserOverPipe(chromium);
    },
  };
}

function toBrowser(firefox: Firefox): Browser {
  return {
    async open(url) {
      const page = await firefox.page(url);
      return { run: (expression) => page.evaluate(expression), close: () => page.close() };
    },
    tabs: async () => firefox.context.pages().map((page) => page.url()),
    quit: firefox.close,
  };
}

function toBrowserOverPipe(chromium: Chromium): Browser {
  return {
    async open(url) {
      const page = await chromium.page(url);
      return { run: (expression) => page.eval(expression), close: page.close };
    },
    tabs: chromium.tabs,
    quit: chromium.close,
  };
}
