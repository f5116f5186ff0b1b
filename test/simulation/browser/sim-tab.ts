import type { Ask } from '../../../client/engine/ask.ts';
import { createAsker } from '../../../client/engine/ask.ts';
import type { WorkerSession } from '../../../client/engine/worker-session.ts';
import { openSession } from '../../../client/engine/worker-session.ts';
import type { PageScope } from '../../../core/protocol/page-messages.ts';
import { runAs, runAsWorld } from '../world/process.ts';
import type { World } from '../world/world.ts';
import type { OpenTab, SimBrowser, SimWindowClient } from './sim-browser.ts';
import type { SimPort } from './message-ports.ts';

/** A page that is open in a simulated browser: the real session code, and a user who acts through it. */
export interface SimTab {
  readonly browser: SimBrowser;
  readonly scope: PageScope;
  readonly client: SimWindowClient;
  readonly isOpen: () => boolean;
  /** Runs a body as the page; it gets what the page's script has. Nothing comes of it once the tab is gone. */
  readonly act: (body: (page: Page) => Promise<void>) => void;
  readonly close: () => void;
}

/** What a page's script has. */
export interface Page {
  readonly ask: Ask;
  readonly session: WorkerSession;
  /** A plain request, through the worker or past it. */
  readonly fetch: (request: PageFetch) => Promise<Response>;
}

export interface PageFetch {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

export interface SimTabOptions {
  readonly world: World;
  readonly browser: SimBrowser;
  readonly scope: PageScope;
  readonly updates: 'hold' | 'live';
}

const PAGE_ALIVE_MS = 10_000;

export function openSimTab({ world, browser, scope, updates }: SimTabOptions): SimTab {
  let page: Promise<Page> | undefined;
  const close = (): void => browser.closeTab(opened);
  const opened: OpenTab = browser.openTab((client) => {
    const worker = { postMessage: (message: unknown, ports: unknown) => browser.postToWorker(client, message, ports as SimPort[]) };
    let again = (): void => {};
    const process = world.spawn({ name: client.id, globals: browser.shared, clock: browser.wallClock }, () => {
      const real = createAsker(() => worker);
      again = real.again;
      const auth = async (): Promise<Record<string, string>> => ({ 'x-account': scope.account });
      page = openSession({ ask: real.ask, scope, updates, auth }).then((session) => {
        setInterval(() => void real.ask('alive', scope).catch(() => undefined), PAGE_ALIVE_MS);
        return { ask: real.ask, session, fetch: (request) => fetchFrom(browser, client, request) };
      });
      // A page whose worker does not answer in time goes without one; its user closes it.
      page.catch(() => runAsWorld(() => world.after(0, 'a page gives up', close)));
    });
    return { client, process, onControllerChange: () => runAs(process, again) };
  });
  return {
    browser,
    scope,
    client: opened.client,
    isOpen: () => opened.process.isAlive(),
    act(body) {
      if (!opened.process.isAlive()) return;
      runAs(opened.process, () => void page?.then(body).catch(() => undefined));
    },
    close,
  };
}

async function fetchFrom(browser: SimBrowser, client: SimWindowClient, request: PageFetch): Promise<Response> {
  const url = new URL(request.path, client.url).href;
  const headers = new Headers(request.headers);
  const event = {
    method: request.method,
    url,
    mode: 'cors',
    destination: '',
    headers,
    arrayBuffer: async () => new TextEncoder().encode(request.body ?? '').buffer,
  };
  const answered = await browser.fetchThroughWorker(client, event);
  if (answered !== undefined) return answered;
  const init = { method: request.method, headers: { ...request.headers }, body: request.body ?? null };
  return fetch(url, init);
}
