import { expect } from '@playwright/test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import type { VapidKeys } from 'web-push';

import { openDevice } from '../../../server/device/index.ts';
import type { NodeDevice } from '../../../server/device/index.ts';
import type { Scratch } from '../../platform/parts/scratch.ts';
import type { PushService } from '../../platform/push/push-service.ts';
import { startServerBehindGate } from '../../platform/server-process.ts';
import type { ServerProcess } from '../../platform/server-process.ts';
import { createTcpGate } from '../../platform/tcp-gate.ts';
import { sendPush } from '../platform/site.ts';
import type { Browser, PushEngine, Tab } from './push-browser.ts';

/** What the server prints of a device's request, when it begins and when it has ended. */
export interface RequestLine {
  readonly seen: 'began' | 'ended';
  readonly request: string;
  /** As the device knows the server: B comes through a gate of its own. */
  readonly host: string;
  /** Data entries in the answer to a sync request, each as `log/sequence`. */
  readonly given: readonly string[];
}

/** A server, a push service, and device B: a browser that knows the server through a gate of its own. */
export interface PushWorld {
  readonly service: PushService;
  readonly server: ServerProcess;
  readonly launchB: () => Promise<Browser>;
  readonly openB: (browser: Browser) => Promise<Tab>;
  /** A page of the same site that is no tab of Wakelog's. */
  readonly openProbeB: (browser: Browser) => Promise<Tab>;
  /** Opens the site in B and turns notifications on. */
  readonly subscribeB: (browser: Browser) => Promise<Tab>;
  /** Closes B's tab and waits until the server has seen its live connection end: from then on B can only be pushed to. */
  readonly leaveB: (browser: Browser, tab: Tab) => Promise<void>;
  /** Resolves when B's worker was given so many different entries, in answer to sync requests of its own. */
  readonly untilGivenToB: (count: number) => Promise<void>;
  /** Resolves when a sync request of B's has ended that was not seen yet at a place of the server's log. */
  readonly untilBSynced: (after: number) => Promise<void>;
  /** A push to B that says whatever it likes, by somebody who has the server's keys. */
  readonly forgePush: (text: string) => Promise<void>;
  /** Device A, in Node, of the same account. */
  readonly deviceA: () => Promise<NodeDevice>;
  /** A page of another profile of the same engine. */
  readonly pageA: () => Promise<Tab>;
  /** The endpoints in the server's own table. */
  readonly storedEndpoints: () => string[];
}

export async function createPushWorld(scratch: Scratch, engine: PushEngine): Promise<PushWorld> {
  const { service } = engine;
  const gate = scratch.use(await createTcpGate(), (it) => it.close());
  const gateOfA = scratch.use(await createTcpGate(), (it) => it.close());
  const data = scratch.folder('server');
  const script = fileURLToPath(new URL('push-server.ts', import.meta.url));
  const args = ['--data', data, '--push-origin', service.endpointOrigin, '--push-at', service.origin];
  const { process: server } = scratch.use(
    await startServerBehindGate(gate, { command: ['node', script, ...args] }),
    (it) => it.end(),
  );
  gateOfA.setUpstream(server.port);
  const [origin, originOfA] = [gate, gateOfA].map(({ port }) => `http://localhost:${port}`) as [string, string];
  const host = new URL(origin).host;
  const profile = scratch.folder('device-b');

  const linesOfB = (): RequestLine[] =>
    server.log
      .all('line')
      .flatMap(({ text }) => toRequestLine(text) ?? [])
      .filter((line) => line.host === host);
  const liveOfB = (seen: RequestLine['seen']): number =>
    linesOfB().filter((line) => line.seen === seen && line.request === 'GET /live').length;
  const openB = (browser: Browser): Promise<Tab> => browser.open(origin);

  async function leaveB(browser: Browser, tab: Tab): Promise<void> {
    await server.log.until('line', () => liveOfB('began') > liveOfB('ended'));
    await tab.close();
    await server.log.until('line', () => liveOfB('began') === liveOfB('ended'));
    expect((await browser.tabs()).filter((url) => url !== 'about:blank')).toEqual([]);
  }

  return {
    service,
    server,
    launchB: () => engine.launch(profile, origin),
    openB,
    openProbeB: (browser) => browser.open(`${origin}/probe`),
    leaveB,
    async subscribeB(browser) {
      const tab = await openB(browser);
      expect(await tab.run('wakelog.then((it) => it.enableNotifications())')).toBe('on');
      return tab;
    },
    async untilGivenToB(count) {
      await server.log.until('line', () => new Set(linesOfB().flatMap(({ given }) => given)).size >= count);
    },
    async untilBSynced(after) {
      const ended = ({ text }: { readonly text: string }): boolean => {
        const line = toRequestLine(text);
        return line?.host === host && line.seen === 'ended' && line.request === 'POST /sync';
      };
      await server.log.until('line', ended, { after });
    },
    async forgePush(text) {
      const keys = JSON.parse(readFileSync(join(data, 'vapid.json'), 'utf8')) as VapidKeys;
      for (const { endpoint, ...subscriptionKeys } of readSubscriptions(data)) {
        await sendPush(service, { endpoint, keys: subscriptionKeys }, keys, text);
      }
    },
    deviceA: async () =>
      scratch.use(await openDevice({ url: originOfA, space: 'tasks', account: 'ann', live: false }), (it) =>
        it.close(),
      ),
    async pageA() {
      const browser = await engine.launch(scratch.folder('device-a'), originOfA);
      const tab = await browser.open(originOfA);
      await tab.run('controlled');
      return tab;
    },
    storedEndpoints: () => readSubscriptions(data).map(({ endpoint }) => endpoint),
  };
}

interface StoredSubscription {
  readonly endpoint: string;
  readonly p256dh: string;
  readonly auth: string;
}

/** The server's own table, while it runs. */
function readSubscriptions(data: string): StoredSubscription[] {
  const database = new DatabaseSync(join(data, 'wakelog.sqlite'), { readOnly: true });
  try {
    const rows = database.prepare('SELECT endpoint, p256dh, auth FROM push_subscriptions').all();
    return rows as unknown as StoredSubscription[];
  } finally {
    database.close();
  }
}

function toRequestLine(text: string): RequestLine | undefined {
  return text.startsWith('{"seen":') ? (JSON.parse(text) as RequestLine) : undefined;
}
