import type { Connection } from '../../../../client/index.ts';

/** What a test asks of a page, over its WebSocket. */
export interface AgentRequests {
  /** Writers begin, and go on until `stop`. */
  readonly write: { readonly ask: WritePlan; readonly answer: null };
  /** Returns once no write is under way. */
  readonly stop: { readonly ask: null; readonly answer: null };
  /** Writers begin nothing more; what is under way is not waited for. */
  readonly quiet: { readonly ask: null; readonly answer: null };
  readonly items: { readonly ask: null; readonly answer: readonly AgentItem[] };
  readonly status: { readonly ask: null; readonly answer: AgentStatus };
  /** Returns once a worker is in charge, the page is kept, and the worker has met the server. */
  readonly ready: { readonly ask: null; readonly answer: null };
  /** Returns once no server lacks an own entry. */
  readonly sent: { readonly ask: null; readonly answer: null };
  readonly sync: { readonly ask: null; readonly answer: null };
  /** Answers, after all that was told before. */
  readonly ping: { readonly ask: null; readonly answer: null };
  /** Fills a database of the page's own, in records of 50 KB, until there is no more room. Returns how many it took. */
  readonly fill: { readonly ask: null; readonly answer: number };
  /** Deletes what `fill` wrote. */
  readonly unfill: { readonly ask: null; readonly answer: null };
}

/** What a page says by itself. */
export type AgentNews =
  | { readonly acknowledged: string; readonly items: readonly string[] }
  | { readonly failed: string; readonly items: readonly string[] };

export interface WritePlan {
  /** Items are named after it: it must be new each time. */
  readonly round: string;
  /** Writes in one entry of the writers that write several. */
  readonly batch: number;
}

export interface AgentItem {
  readonly item: string;
  /** Live versions, the displayed one first. */
  readonly entries: readonly string[];
}

export interface AgentStatus {
  readonly unsent: number;
  readonly conflicts: number;
  readonly connection: string;
  readonly atRisk: string | null;
}

type Handlers = {
  readonly [T in keyof AgentRequests]: (ask: AgentRequests[T]['ask']) => Promise<AgentRequests[T]['answer']>;
};

declare global {
  interface Window {
    wakelog: Promise<Connection | undefined>;
  }
}

/**
 * Runs in the page, sent there as text: it can use nothing but its arguments and what a page has. Four writers write each on
 * as soon as they were answered: one by the page's own fetch, one item by item, two in batches; every answer is told at once.
 */
export function runAgent(socketPort: number, path: string): void {
  const name = new URLSearchParams(location.search).get('agent') ?? '';
  const socket = new WebSocket(`ws://127.0.0.1:${socketPort}/${name}`);
  let writing: Promise<void>[] = [];
  let writers = new AbortController();

  const connected = async (): Promise<Connection> => {
    const connection = await window.wakelog;
    if (connection === undefined) throw new Error('no worker');
    return connection;
  };
  const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

  /** As a careful page does: a request that broke off is sent again under its own key (CAP26). */
  const byFetch = async ([id = '']: readonly string[]): Promise<string> => {
    const headers = { 'content-type': 'application/json', 'idempotency-key': id };
    const send = (): Promise<Response> =>
      fetch(path, { method: 'POST', headers, body: JSON.stringify({ id, title: id }) });
    let answer: Response | undefined;
    while (answer === undefined) answer = await send().catch(() => undefined);
    const etag = answer.headers.get('etag');
    if (answer.status !== 201 || etag === null) throw Object.assign(new Error(), { code: `status ${answer.status}` });
    return etag.replaceAll('"', '');
  };
  const byConnect = async (ids: readonly string[]): Promise<string> => {
    const { append, collection } = await connected();
    const { key } = collection(path);
    return (await append({ writes: ids.map((id) => ({ key: key(id), value: { title: id } })) })).id;
  };

  async function forever(
    lane: string,
    size: number,
    write: (ids: readonly string[]) => Promise<string>,
  ): Promise<void> {
    const { signal } = writers;
    for (let number = 0; !signal.aborted; number++) {
      const items = Array.from({ length: size }, (_, i) => `${lane}-${number}-${i}`);
      try {
        socket.send(JSON.stringify({ acknowledged: await write(items), items }));
      } catch (error) {
        const { code } = error as { code?: string };
        socket.send(JSON.stringify({ failed: code ?? String(error), items }));
        await pause(20);
      }
    }
  }

  async function until(isTrue: () => Promise<boolean>): Promise<null> {
    while (!(await isTrue().catch(() => false))) await pause(20);
    return null;
  }

  const resultOf = <T>(request: IDBRequest<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      request.addEventListener('success', () => resolve(request.result));
      request.addEventListener('error', () => reject(request.error ?? new Error('a request failed')));
    });
  const openFilling = (): Promise<IDBDatabase> => {
    const opening = indexedDB.open('filling', 1);
    opening.addEventListener('upgradeneeded', () => void opening.result.createObjectStore('filling'));
    return resultOf(opening);
  };
  const hadRoomFor = (database: IDBDatabase, number: number): Promise<boolean> =>
    new Promise((resolve) => {
      // Random, since values are compressed.
      const value = crypto.getRandomValues(new Uint8Array(50_000));
      const transaction = database.transaction('filling', 'readwrite');
      transaction.objectStore('filling').put(value, number);
      transaction.addEventListener('complete', () => resolve(true));
      transaction.addEventListener('abort', () => resolve(false));
    });

  const handlers: Handlers = {
    async write({ round, batch }) {
      writers = new AbortController();
      writing = [
        forever(`${round}-fetch`, 1, byFetch),
        forever(`${round}-put`, 1, byConnect),
        forever(`${round}-many`, batch, byConnect),
        forever(`${round}-more`, batch, byConnect),
      ];
      return null;
    },
    async stop() {
      writers.abort();
      await Promise.all(writing);
      return null;
    },
    async quiet() {
      writers.abort();
      return null;
    },
    async items() {
      const list = await (await connected()).collection(path).list();
      return list.map(({ id, versions }) => ({ item: id, entries: versions }));
    },
    async status() {
      const { unsent, conflicts, connection, atRisk } = (await connected()).status.getSnapshot();
      return { unsent, conflicts, connection, atRisk };
    },
    ready: () =>
      until(
        async () =>
          navigator.serviceWorker.controller !== null &&
          (await caches.match(location.href)) !== undefined &&
          (await connected()).status.getSnapshot().lastSynced !== null,
      ),
    // The status that a page shows may be of a worker that was stopped before it told of the last write.
    sent: () => until(async () => (await (await connected()).exportUnsent()).length === 0),
    async sync() {
      await (await connected()).sync();
      return null;
    },
    ping: () => Promise.resolve(null),
    async fill() {
      const database = await openFilling();
      let number = 0;
      while (await hadRoomFor(database, number)) number++;
      database.close();
      return number;
    },
    async unfill() {
      await resultOf(indexedDB.deleteDatabase('filling'));
      return null;
    },
  };

  socket.addEventListener('message', ({ data }: MessageEvent<string>) => {
    const { id, type, ask } = JSON.parse(data) as { id: number; type: keyof AgentRequests; ask: never };
    handlers[type](ask).then(
      (answer) => socket.send(JSON.stringify({ id, answer })),
      (error: unknown) => socket.send(JSON.stringify({ id, error: String(error) })),
    );
  });
}
