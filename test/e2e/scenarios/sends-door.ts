import { createServer, request as requestOf } from 'node:http';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';

import { createEventLog } from '../../platform/parts/event-log.ts';
import type { EventLog } from '../../platform/parts/event-log.ts';
import { closeServer, listenOnLastingPort } from '../../platform/parts/listen.ts';

/** An answer that is none of the server's. */
export interface StrangeAnswer {
  readonly status: number;
  readonly headers?: OutgoingHttpHeaders;
  readonly body: string | Uint8Array;
}

/**
 * - `pass`: requests reach the server, and its answers the browser.
 * - `no network`: every connection is reset.
 * - `hold`: a device's sync requests are taken whole and stay unanswered.
 * - `keep answers`: they reach the server, and what it answers is kept back.
 * - `{ answer }`: they are answered so in place of the server; with `everything` all other requests as well.
 */
export type DoorMode =
  | 'pass'
  | 'no network'
  | 'hold'
  | 'keep answers'
  | { readonly answer: StrangeAnswer; readonly everything?: boolean };

export interface DoorEvents {
  held: { readonly bytes: number };
  /** The server answered with this status, and nobody is told. */
  kept: { readonly status: number };
  /** A sync request got the strange answer. */
  strange: { readonly status: number };
  /** The server's own answer to a sync request went to the browser. */
  passed: { readonly status: number };
}

/** What stands between a browser and its server and sees whole requests: a proxy, a hotel's network, bad luck. */
export interface SendsDoor {
  readonly origin: string;
  readonly log: EventLog<DoorEvents>;
  /** Ends what is held or kept back without a word. */
  set(mode: DoorMode): void;
  /** Gives the server the requests that are held, however late; the `kept` answers tell when it is done with them. */
  deliverHeld(): void;
  close(): Promise<void>;
}

interface Held {
  readonly request: IncomingMessage;
  readonly body: Buffer;
}

export async function createSendsDoor(upstreamPort: number): Promise<SendsDoor> {
  const log = createEventLog<DoorEvents>('door');
  const open = new Set<ServerResponse>();
  let mode: DoorMode = 'pass';
  let held: Held[] = [];

  const server = createServer((request, response) => {
    open.add(response);
    response.on('close', () => open.delete(response));
    void take(request, response).catch(() => response.destroy());
  });

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const isSend = isSync(request);
    const body = await readAll(request);
    if (mode === 'no network') response.destroy();
    else if (typeof mode === 'object' && (isSend || mode.everything === true)) {
      response.writeHead(mode.answer.status, mode.answer.headers).end(mode.answer.body);
      if (isSend) log.note('strange', { status: mode.answer.status });
    } else if (isSend && mode === 'hold') {
      held.push({ request, body });
      log.note('held', { bytes: body.length });
    } else if (isSend && mode === 'keep answers') forwardAndKeep(request, body);
    else forward(request, body, response);
  }

  function forward(request: IncomingMessage, body: Buffer, response: ServerResponse): void {
    const onward = askServer(request, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
      answer.on('error', () => response.destroy());
      if (isSync(request)) response.on('finish', () => log.note('passed', { status: answer.statusCode ?? 0 }));
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    onward.end(body);
  }

  function forwardAndKeep(request: IncomingMessage, body: Buffer): void {
    const onward = askServer(request, (answer) => {
      answer.resume().on('end', () => log.note('kept', { status: answer.statusCode ?? 0 }));
    });
    onward.on('error', () => log.note('kept', { status: 0 }));
    onward.end(body);
  }

  function askServer(
    { method, url, headers }: IncomingMessage,
    onAnswer: (answer: IncomingMessage) => void,
  ): ReturnType<typeof requestOf> {
    return requestOf({ host: '127.0.0.1', port: upstreamPort, method, path: url, headers, agent: false }, onAnswer);
  }

  const port = await listenOnLastingPort(server);
  return {
    origin: `http://localhost:${port}`,
    log,
    set(next) {
      mode = next;
      held = [];
      // Only what waits for a change: a page that is being loaded, or a live stream, goes on where it can.
      if (next === 'no network') server.closeAllConnections();
      else for (const response of open) if (!response.headersSent) response.destroy();
    },
    deliverHeld() {
      for (const { request, body } of held.splice(0)) forwardAndKeep(request, body);
    },
    async close() {
      for (const response of open) response.destroy();
      await closeServer(server);
    },
  };
}

function isSync({ method, url }: IncomingMessage): boolean {
  return method === 'POST' && url === '/wakelog/sync';
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
