import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { fileURLToPath } from 'node:url';
import { expect } from '@playwright/test';
import type { BrowserContext, Page } from '@playwright/test';
import express from 'express';
import type { RequestHandler } from 'express';

import type { Connection } from '../../../client/index.ts';
import { openDevice } from '../../../server/device/index.ts';
import type { NodeDevice, OpenDeviceOptions } from '../../../server/device/index.ts';
import { wakelog } from '../../../server/index.ts';
import type { Authorize } from '../../../server/index.ts';
import { closeServer, listen } from '../../platform/parts/listen.ts';
import type { Scratch } from '../../platform/parts/scratch.ts';
import { createTcpGate } from '../../platform/tcp-gate.ts';
import type { TcpGate } from '../../platform/tcp-gate.ts';

declare global {
  interface Window {
    /** Of the script tag. */
    wakelog: Promise<Connection | undefined>;
    tasksPage: TasksPage;
  }
}

/** What the page's own script offers a test. */
export interface TasksPage {
  /** As the site's own code writes: the status of a plain `fetch`. */
  readonly write: (id: string, title: string) => Promise<number>;
  readonly errors: readonly string[];
  /** Streams of the worker that the script tag has opened. */
  readonly streams: number;
  /** Changes of the worker in charge of this page. */
  readonly takeovers: number;
  /** `/eager`: answers to what the page wrote while it loaded and until a worker was in charge. */
  readonly eager: Promise<readonly (readonly [id: string, status: number])[]>;
  /** Set by a test: answers to what it has the page write. */
  written?: Promise<readonly number[]>;
}

export const TASKS = '/api/tasks';
export const SPACE = 'tasks';

/** The site of scenarios 5 and 8: an ordinary page with the script tag, the real server, behind a gate that plays the network. */
export interface TabsSite {
  /** With the host name localhost, a secure context. */
  readonly origin: string;
  readonly gate: TcpGate;
  /** Requests that reached the server, as `GET /path`. */
  readonly requests: readonly string[];
  /** Steps in front of every request; undefined lets all through. */
  front: RequestHandler | undefined;
  /** From now on the worker file is another one, by its last line. */
  readonly releaseWorker: () => void;
  /** Another device, in Node, past the gate unless its options say otherwise. */
  readonly device: (options?: Partial<OpenDeviceOptions>) => Promise<NodeDevice>;
}

export interface TabsSiteOptions {
  readonly authorize?: Authorize;
  /** Default: one space for all. */
  readonly spaceOf?: (account: string) => string;
  readonly updates?: 'hold' | 'live';
}

/** Runs before the script tag, as a site's own monitoring would. */
const WATCH = `
  const write = (id, title) => fetch('${TASKS}/' + id, {
    method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ title }) }).then(({ status }) => status);
  const tasksPage = { write, errors: [], streams: 0, takeovers: 0 };
  window.tasksPage = tasksPage;
  addEventListener('error', (event) => tasksPage.errors.push(String(event.message)));
  addEventListener('unhandledrejection', (event) => tasksPage.errors.push(String(event.reason)));
  const plainFetch = fetch;
  window.fetch = async (...request) => {
    const answer = await plainFetch(...request);
    if (String(request[0]).includes('/wakelog/updates') && answer.ok) tasksPage.streams++;
    return answer;
  };
  navigator.serviceWorker.addEventListener('controllerchange', () => tasksPage.takeovers++);`;

/** Writes from the very first moment on, through the worker's installation, until it has been in charge for a while. */
const EAGER = `
  tasksPage.eager = (async () => {
    const answers = [];
    for (let n = 0, last = 5000; n < last; n++) {
      if (last === 5000 && navigator.serviceWorker.controller !== null) last = n + 10;
      answers.push(['eager' + n, await write('eager' + n, 'eager ' + n)]);
    }
    return answers;
  })();`;

/** Shows its tasks, and shows them again when something changed; it is this page, not the library, that asks for them. */
const SHOW = `
  let reading = false;
  let again = false;
  const show = async () => {
    again = true;
    if (reading) return;
    reading = true;
    while (again) {
      again = false;
      const tasks = await (await fetch('${TASKS}')).json();
      const line = ({ title }) => Object.assign(document.createElement('li'), { textContent: title });
      document.querySelector('ul').replaceChildren(...tasks.map(line));
    }
    reading = false;
  };
  document.addEventListener('wakelog-change', show);
  document.addEventListener('wakelog-update', (event) => { event.preventDefault(); show(); });
  show();`;

function pageOf(account: string, space: string, updates: string, before: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Tasks</title><script>${before}</script>
<script src="/wakelog/wakelog.js" data-account="${account}" data-space="${space}" data-capture="${TASKS}" data-updates="${updates}" data-shell></script>
<h1>Tasks of ${account}</h1><ul></ul><script>${SHOW}</script>`;
}

export async function createTabsSite(scratch: Scratch, options: TabsSiteOptions = {}): Promise<TabsSite> {
  const { authorize, spaceOf = () => SPACE, updates = 'hold' } = options;
  const quiet = (): void => {};
  const handler = await wakelog({
    dataDir: scratch.folder('server'),
    collections: [TASKS],
    space: SPACE,
    log: { debug: quiet, info: quiet, warn: quiet, error: (fields, message) => console.error(message, fields) },
    ...(authorize === undefined ? {} : { authorize }),
  });
  const requests: string[] = [];
  const front: Pick<TabsSite, 'front'> = { front: undefined };
  let release = 0;
  const app = express();
  app.use((request, response, next) => {
    requests.push(`${request.method} ${request.path}`);
    if (front.front === undefined) next();
    else front.front(request, response, next);
  });
  app.get('/wakelog/sw.js', (_request, response, next) => {
    if (release === 0) return next();
    const file = readFileSync(fileURLToPath(new URL('../../../dist/sw.js', import.meta.url)), 'utf8');
    response.set({ 'content-type': 'text/javascript', 'service-worker-allowed': '/' });
    response.send(`${file}\n// release ${release}`);
  });
  app.use(handler);
  for (const [path, before] of [['/', WATCH], ['/eager', WATCH + EAGER]] as const) {
    app.get(path, (request, response) => {
      const account = accountOf(request) ?? 'ann';
      response.type('html').send(pageOf(account, spaceOf(account), updates, before));
    });
  }
  const server = createServer(app);
  const port = await listen(server);
  const gate = await createTcpGate(port);
  scratch.use(gate, async (it) => {
    await it.close();
    await closeServer(server);
    await handler.close();
  });
  const url = `http://127.0.0.1:${port}`;
  return Object.assign(front, {
    origin: `http://localhost:${gate.port}`,
    gate,
    requests,
    releaseWorker: () => void (release += 1),
    device: async (more: Partial<OpenDeviceOptions> = {}) =>
      scratch.use(await openDevice({ url, space: SPACE, account: 'carl', live: false, ...more }), (it) => it.close()),
  });
}

/** A session as sites have them: whose request it is, its cookie says. */
export function accountOf({ headers }: IncomingMessage): string | undefined {
  return /\baccount=(\w+)/.exec(headers.cookie ?? '')?.[1];
}

/** Opens a page and returns once a worker is in charge of it and has met the server. */
export async function openTab(context: BrowserContext, site: TabsSite, path = '/'): Promise<Page> {
  const page = await context.newPage();
  await page.goto(site.origin + path);
  await untilMet(page);
  return page;
}

export async function untilMet(page: Page): Promise<void> {
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await page.evaluate(async () => {
    const connection = await window.wakelog;
    if (connection === undefined) throw new Error('no worker');
    await new Promise<void>((resolve) => {
      connection.status.subscribe(({ lastSynced }) => lastSynced !== null && resolve());
    });
  });
}

export function statusOf(page: Page): Promise<ReturnType<Connection['status']['getSnapshot']> | undefined> {
  return page.evaluate(async () => (await window.wakelog)?.status.getSnapshot());
}

/** Returns once the server has acknowledged every task that this page shows. */
export async function untilSent(page: Page): Promise<void> {
  const unsent = (): Promise<number | undefined> =>
    page.evaluate(async () => (await (await window.wakelog)?.collection('tasks').list())?.filter((item) => item.unsent).length);
  await expect.poll(unsent).toBe(0);
}

/** The tasks are shown, in this order. */
export async function expectShown(pages: readonly Page[], titles: readonly string[]): Promise<void> {
  for (const page of pages) await expect(page.locator('li')).toHaveText([...titles]);
}

export async function write(page: Page, id: string, title: string): Promise<void> {
  expect(await page.evaluate(([i, t]) => window.tasksPage.write(i, t), [id, title] as const)).toBeLessThan(300);
}

/** Writes elsewhere, one entry each, and sends them in one go. */
export async function writeElsewhere(device: NodeDevice, titleById: Readonly<Record<string, string>>): Promise<void> {
  for (const [id, title] of Object.entries(titleById)) await device.collection(TASKS).put(id, { title });
  expect(await device.sync()).toBe('level');
}

/** Titles of all tasks that the server has, as a device in Node finds them. */
export async function titlesAt(device: NodeDevice): Promise<string[]> {
  await device.sync();
  return (await device.collection<{ title: string }>(TASKS).list()).map(({ value }) => value.title);
}
