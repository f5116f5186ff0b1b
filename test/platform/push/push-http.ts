import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

import type { PushMessage } from './mailbox.ts';
import type { PushHub, Subscription } from './push-hub.ts';
import { vapidRefusal } from './vapid.ts';
import type { Refusal } from './vapid.ts';

const MAX_BODY_BYTES = 4096;
const MAX_TTL_SEC = 60 * 24 * 3600;

interface InjectedFailure {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** The side of a push service that application servers POST to (RFC 8030, 8188, 8292). */
export interface PushDoor {
  failNext(
    status: number,
    options?: { readonly times?: number; readonly headers?: Readonly<Record<string, string>> },
  ): void;
  answer(request: IncomingMessage, response: ServerResponse, token: string): Promise<void>;
}

/** `audiences`: the origins a VAPID token may be made out to. */
export function createPushDoor(hub: PushHub, audiences: () => readonly string[]): PushDoor {
  const failures: InjectedFailure[] = [];
  let accepted = 0;

  const refuse = (response: ServerResponse, token: string, { status, reason }: Refusal, headers = {}): void => {
    hub.log.note('refused', { token, status, reason });
    response
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end(JSON.stringify({ code: status, reason }));
  };

  return {
    failNext(status, { times = 1, headers = {} } = {}) {
      for (let each = 0; each < times; each++) failures.push({ status, headers });
    },
    async answer(request, response, token) {
      const body = await readBody(request);
      const failure = failures.shift();
      if (failure !== undefined) {
        refuse(response, token, { status: failure.status, reason: 'injected' }, failure.headers);
        return;
      }
      const subscription = hub.subscription(token);
      if (subscription === null) {
        refuse(response, token, { status: 404, reason: 'no such subscription' });
        return;
      }
      const refusal = refusalOf(request, body, subscription, audiences());
      if (refusal !== null) {
        refuse(response, token, refusal);
        return;
      }
      const version = `${randomBytes(12).toString('base64url')}.${++accepted}`;
      const message = messageFrom(request, token, body, version);
      response.writeHead(201, { location: `/m/${version}`, ttl: String(message.ttlSec) }).end();
      hub.take(subscription, message);
    },
  };
}

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function refusalOf(
  { headers, method }: IncomingMessage,
  body: Buffer,
  subscription: Subscription,
  audiences: readonly string[],
): Refusal | null {
  if (method !== 'POST') return { status: 405, reason: 'only POST' };
  if (subscription.gone) return { status: 410, reason: 'subscription is gone' };
  if (!/^\d+$/.test(String(headers.ttl))) return { status: 400, reason: 'TTL missing or not a number' };
  const topic = headers.topic;
  if (topic !== undefined && !/^[\w-]{1,32}$/.test(String(topic))) return { status: 400, reason: 'bad topic' };
  if (body.length > MAX_BODY_BYTES) return { status: 413, reason: `body of ${body.length} bytes` };
  if (body.length > 0 && headers['content-encoding'] !== 'aes128gcm')
    return { status: 400, reason: 'body not aes128gcm' };
  return subscription.key === null ? null : vapidRefusal(headers.authorization, subscription.key, audiences);
}

function messageFrom({ headers }: IncomingMessage, token: string, body: Buffer, version: string): PushMessage {
  const ttlSec = Math.min(Number(headers.ttl), MAX_TTL_SEC);
  return {
    token,
    version,
    ttlSec,
    topic: headers.topic === undefined ? null : String(headers.topic),
    urgency: String(headers.urgency ?? 'normal'),
    body,
    encoding: 'aes128gcm',
    expiresAt: Date.now() + ttlSec * 1000,
  };
}
