import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';

import { closeServer, listen } from '../../../platform/parts/listen.ts';
import type { WriteRecord } from '../record.ts';
import type { AgentNews, AgentRequests } from './agent.ts';

/** A page that does what the test asks, whatever browser it is in. */
export interface PageAgent {
  readonly ask: <T extends keyof AgentRequests>(
    type: T,
    ask: AgentRequests[T]['ask'],
    withinMs?: number,
  ) => Promise<AgentRequests[T]['answer']>;
}

/** The place where pages report. It outlives every browser and every server. */
export interface Agents {
  readonly port: number;
  /** The page that opens next under this name (`?agent=name`). Ask before it is opened. */
  readonly opening: (name: string) => Promise<PageAgent>;
  readonly close: () => Promise<void>;
}

type Reply = { readonly id: number } & ({ readonly answer: never } | { readonly error: string });

const OPENS_WITHIN_MS = 30_000;

export async function createAgents(record: WriteRecord): Promise<Agents> {
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  const awaited = new Map<string, (agent: PageAgent) => void>();
  sockets.on('connection', (socket, request) => {
    const name = request.url?.slice(1) ?? '';
    awaited.get(name)?.(createPageAgent(name, socket, record));
    awaited.delete(name);
  });
  const port = await listen(server);
  return {
    port,
    opening(name) {
      const { promise, resolve, reject } = Promise.withResolvers<PageAgent>();
      const timer = setTimeout(
        () => reject(new Error(`no page ${name} within ${OPENS_WITHIN_MS} ms`)),
        OPENS_WITHIN_MS,
      );
      promise.catch(() => {}); // whoever opens the page may fail first
      awaited.set(name, (agent) => {
        clearTimeout(timer);
        resolve(agent);
      });
      return promise;
    },
    async close() {
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
      await closeServer(server);
    },
  };
}

function createPageAgent(name: string, socket: WebSocket, record: WriteRecord): PageAgent {
  const waiting = new Map<number, { resolve: (answer: never) => void; reject: (error: Error) => void }>();
  let lastId = 0;
  let isGone = false;
  socket.on('message', (data: Buffer) => {
    const said = JSON.parse(data.toString()) as Reply | AgentNews;
    if ('acknowledged' in said) record.noteAcknowledged({ entry: said.acknowledged, items: said.items });
    else if ('failed' in said) record.noteFailed({ code: said.failed, items: said.items });
    else {
      const asker = waiting.get(said.id);
      waiting.delete(said.id);
      if ('error' in said) asker?.reject(new Error(`page ${name}: ${said.error}`));
      else asker?.resolve(said.answer);
    }
  });
  socket.on('error', () => {}); // a killed browser: `close` follows
  socket.on('close', () => {
    isGone = true;
    for (const { reject } of waiting.values()) reject(new Error(`page ${name} is gone`));
  });
  return {
    ask(type, ask, withinMs = 30_000) {
      const { promise, resolve, reject } = Promise.withResolvers<never>();
      if (isGone) reject(new Error(`page ${name} is gone`));
      const id = ++lastId;
      const timer = setTimeout(
        () => reject(new Error(`page ${name}: no answer to ${type} within ${withinMs} ms`)),
        withinMs,
      );
      waiting.set(id, {
        resolve: (answer) => {
          clearTimeout(timer);
          resolve(answer);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      socket.send(JSON.stringify({ id, type, ask }));
      return promise;
    },
  };
}
