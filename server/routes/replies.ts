import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { Bytes } from '../../core/log/bytes.ts';
import { SYNC_CONTENT_TYPE } from '../../core/protocol/limits.ts';
import type { Log } from '../log.ts';
import type { ReplyForm } from './error-answer.ts';
import { toErrorAnswer } from './error-answer.ts';

const DISCARD_MS = 5_000;

/** Thrown when the sender went away: there is nobody to answer. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
}

/** A route whose failures are answered from the closed table, and nothing else ever (SYNC9). */
export function route(
  form: ReplyForm,
  log: Log,
  handle: (request: Request, response: Response) => Promise<void>,
): RequestHandler {
  return (request: Request, response: Response, _next: NextFunction): void => {
    handle(request, response).catch((error: unknown) => answerError(form, log, request, response, error));
  };
}

/** Express's own `set` would add a charset, which JSON has no use for, and the worker's answers have none. */
export function writeHead(response: Response, status: number, headers: Readonly<Record<string, string>>): void {
  response.status(status);
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
}

export function sendCbor(response: Response, status: number, body: Bytes): void {
  writeHead(response, status, { 'content-type': SYNC_CONTENT_TYPE, 'cache-control': 'no-store' });
  response.end(body);
}

export function sendJson(response: Response, status: number, value: object): void {
  writeHead(response, status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(value));
}

export function answerError(form: ReplyForm, log: Log, request: Request, response: Response, thrown: unknown): void {
  if (thrown instanceof ClientGone) {
    response.destroy();
    return;
  }
  const { error, status, headers, body } = toErrorAnswer(form, thrown);
  if (error.code === 'internal')
    log.error({ err: thrown, method: request.method, path: request.path }, 'a request failed');
  else log.debug({ code: error.code, method: request.method, path: request.path }, error.message);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  writeHead(response, status, headers);
  endAfterBody(request, response, body);
}

/**
 * Sends the whole answer at once, and ends when the rest of a refused body has come and was thrown away: a connection cut
 * before that would take the answer along.
 */
function endAfterBody(request: Request, response: Response, body: Uint8Array): void {
  if (request.complete) {
    response.end(body);
    return;
  }
  response.setHeader('content-length', body.length);
  response.write(body);
  const timer = setTimeout(() => request.destroy(), DISCARD_MS);
  const end = (): void => {
    clearTimeout(timer);
    response.end();
  };
  request.once('end', end).once('close', end).resume();
}
