import { setTimeout as delay } from 'node:timers/promises';

import type { Connection } from '../../../client/index.ts';
import type { NodeDevice } from '../../../server/device/index.ts';
import type { Chromium } from '../../platform/chromium.ts';
import type { ChromiumPage } from '../../platform/parts/chromium-page.ts';
import { createEventLog } from '../../platform/parts/event-log.ts';
import type { EventLog } from '../../platform/parts/event-log.ts';
import { COLLECTION } from './sends-site.ts';

declare global {
  interface Window {
    /** Binding of the test: what is said here leaves the browser at once. */
    tell: (text: string) => void;
    postTask: (task: object) => Promise<{ status: number; etag: string | null }>;
  }
}

/** A writer was told that its item is safe, in the entry with this id. */
export interface Acknowledgement {
  readonly by: 'fetch' | 'connect' | 'node';
  readonly item: string;
  readonly entry: string;
}

/** What writers were told, kept where no SIGKILL reaches it. */
export interface WriterEvents {
  acknowledged: Acknowledgement;
  /** A write that failed before its browser was killed: there is to be none (S2.26). */
  failed: { readonly why: string };
}

export type WriterRecord = EventLog<WriterEvents>;

/** Written by everybody, all the time, beside an item of their own. */
export const SHARED = 'shared';

const NODE_PAUSE_MS = 20;

export function createWriterRecord(): WriterRecord {
  return createEventLog<WriterEvents>('writers');
}

/** Two writers in the page, one by its own fetch and one by connect(): each writes on as soon as it was acknowledged. */
export async function startPageWriters(
  browser: Chromium,
  page: ChromiumPage,
  round: string,
  record: WriterRecord,
): Promise<void> {
  browser.onEvent(({ method, params, sessionId }) => {
    if (method !== 'Runtime.bindingCalled' || sessionId !== page.sessionId) return;
    const said = JSON.parse(String(params['payload'])) as Acknowledgement | WriterEvents['failed'];
    if ('why' in said) record.note('failed', said);
    else record.note('acknowledged', said);
  });
  await page.send('Runtime.addBinding', { name: 'tell' });
  await page.eval(writeInPage, round, SHARED);
}

/** Runs in the page: it can use nothing but its arguments and what the page has. */
function writeInPage(round: string, shared: string): void {
  const forever = async (by: string, write: (id: string) => Promise<string>): Promise<void> => {
    for (let number = 0; ; number++) {
      const item = `${round}-${by}-${number}`;
      window.tell(JSON.stringify({ by, item, entry: await write(item) }));
    }
  };
  const byFetch = async (id: string): Promise<string> => {
    const { status, etag } = await window.postTask({ id, title: id });
    if (status !== 201 || etag === null) throw new Error(`${id} was answered with ${status}`);
    return etag.replaceAll('"', '');
  };
  const byConnect = async (id: string): Promise<string> => {
    const { append, collection } = (await window.wakelog) as Connection;
    const { key } = collection('tasks');
    const { id: entry } = await append({
      writes: [
        { key: key(id), value: { title: id } },
        { key: key(shared), value: { title: id } },
      ],
    });
    return entry;
  };
  const complain = (error: unknown): void => window.tell(JSON.stringify({ why: String(error) }));
  forever('fetch', byFetch).catch(complain);
  forever('connect', byConnect).catch(complain);
}

/** A third writer on another device, whose entries the browser has to take meanwhile. Returns how to stop it. */
export function startNodeWriter({ append }: NodeDevice, record: WriterRecord): () => Promise<void> {
  const stopping = new AbortController();
  const writing = (async () => {
    for (let number = 0; !stopping.signal.aborted; number++) {
      const item = `node-${number}`;
      const writes = [item, SHARED].map((id) => ({ key: `${COLLECTION}/${id}`, value: { title: item } }));
      record.note('acknowledged', { by: 'node', item, entry: (await append({ writes })).id });
      await delay(NODE_PAUSE_MS);
    }
  })();
  return async () => {
    stopping.abort();
    await writing;
  };
}
