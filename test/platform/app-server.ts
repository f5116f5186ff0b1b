import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname } from 'node:path';

import { createEventLog } from './parts/event-log.ts';
import type { EventLog } from './parts/event-log.ts';
import { closeServer, listen } from './parts/listen.ts';

/** What a page or worker reported by `POST /evidence` with a JSON body. */
export type Evidence = Readonly<Record<string, unknown>>;

export interface AppServerEvents {
  evidence: Evidence;
  request: { readonly method: string; readonly path: string };
}

/** A site of a few files held in memory, and the place where its workers report what happened to them. */
export interface AppServer {
  readonly port: number;
  readonly origin: string;
  readonly log: EventLog<AppServerEvents>;
  /** The first evidence with all these properties, past evidence included. */
  evidence(like: Evidence, withinMs?: number): Promise<Evidence>;
  close(): Promise<void>;
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.json': 'application/json',
};

/** `files` maps a path (`/index.html`) to its text; `/` answers `/index.html`. */
export async function createAppServer(files: Readonly<Record<string, string>>, port = 0): Promise<AppServer> {
  const log = createEventLog<AppServerEvents>('app server');
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://app.invalid');
    log.note('request', { method: request.method ?? '', path: pathname });
    if (request.method === 'POST') void takeEvidence(request, response, log);
    else sendFile(files, pathname === '/' ? '/index.html' : pathname, response);
  });
  const boundPort = await listen(server, port);
  return {
    port: boundPort,
    origin: `http://127.0.0.1:${boundPort}`,
    log,
    evidence: (like, withinMs = 15_000) =>
      log.until('evidence', (seen) => Object.entries(like).every(([key, value]) => seen[key] === value), { withinMs }),
    close: () => closeServer(server),
  };
}

function sendFile(files: Readonly<Record<string, string>>, path: string, response: ServerResponse): void {
  const text = files[path];
  if (text === undefined) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, {
    'content-type': CONTENT_TYPES[extname(path)] ?? 'application/octet-stream',
    'cache-control': 'no-store',
    'service-worker-allowed': '/',
  });
  response.end(text);
}

async function takeEvidence(
  request: IncomingMessage,
  response: ServerResponse,
  log: EventLog<AppServerEvents>,
): Promise<void> {
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const evidence = JSON.parse(Buffer.concat(chunks).toString()) as Evidence;
    response.writeHead(204).end();
    log.note('evidence', evidence);
  } catch {
    response.writeHead(400).end(); // a cut connection or a body that is no JSON is no evidence
  }
}
