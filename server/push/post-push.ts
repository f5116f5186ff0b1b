import { request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import webPush from 'web-push';
import type { EndpointGuard } from './endpoint-guard.ts';
import { isPublicAddress, publicLookup } from './endpoint-guard.ts';
import type { Subscription } from './subscription.ts';
import type { VapidKeys } from './vapid.ts';

/** How a push service answered; a redirect is an answer like any other and is not followed. */
export interface PushAnswer {
  readonly status: number;
  /** ms; when it said so. */
  readonly retryAfterMs: number | undefined;
}

export interface PostPushOptions {
  readonly keys: VapidKeys;
  /** `mailto:` or `https:`, for the push service's operator to complain to. */
  readonly subject: string;
  readonly guard: EndpointGuard;
  /** Injected where a private certificate authority or a stand-in is reached. */
  readonly agent: Agent | undefined;
  /** Where to send what is meant for an endpoint; the identity token still names the endpoint's own origin. */
  readonly rewrite: (endpoint: string) => string;
}

/** Four weeks: the longest that push services keep a message. */
export const PUSH_TTL_SECONDS = 2_419_200;
const ANSWER_WITHIN_MS = 15_000;
const MAX_RETRY_AFTER_SECONDS = 3_600;

/** Sends one encrypted hint. Rejects when no answer came, or when the endpoint may not be reached (PUSH2). */
export function createPostPush(
  options: PostPushOptions,
): (to: Subscription, payload: string, topic: string) => Promise<PushAnswer> {
  const { keys, subject, guard, rewrite } = options;
  const publicAgent = new Agent({ keepAlive: true, maxSockets: 16, lookup: publicLookup });

  return async ({ endpoint, p256dh, auth }, payload, topic) => {
    // Asked again at send time: the list may have changed since the device subscribed.
    if (!guard.isAllowed(endpoint)) throw new Error('the push service is not on the allow-list');
    const vapidDetails = { subject, publicKey: keys.publicKey, privateKey: keys.privateKey };
    const details = webPush.generateRequestDetails({ endpoint, keys: { p256dh, auth } }, payload, {
      vapidDetails,
      topic,
      TTL: PUSH_TTL_SECONDS,
      urgency: 'high',
      contentEncoding: 'aes128gcm',
    });
    const url = new URL(rewrite(endpoint));
    const isTrusted = options.agent !== undefined || guard.isListed(endpoint) || url.href !== new URL(endpoint).href;
    if (!isTrusted && isIP(bareHost(url)) !== 0 && !isPublicAddress(bareHost(url)))
      throw new Error('the push service has a private address');
    const agent = options.agent ?? (isTrusted ? undefined : publicAgent);
    return post(url, { ...details.headers }, details.body, agent);
  };
}

function post(url: URL, headers: Record<string, string>, body: Buffer, agent: Agent | undefined): Promise<PushAnswer> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'http:' && agent === undefined ? httpRequest : httpsRequest;
    const request = send(
      { hostname: bareHost(url), port: url.port, path: url.pathname + url.search, method: 'POST', headers, agent },
      (response) => {
        resolve({ status: response.statusCode ?? 0, retryAfterMs: retryAfterMs(response.headers) });
        // Its text tells nothing that the status does not, and may be endless.
        response.on('error', () => undefined).resume();
        response.once('data', () => response.destroy());
      },
    );
    const timer = setTimeout(() => request.destroy(new Error('the push service did not answer')), ANSWER_WITHIN_MS);
    request.on('error', reject);
    request.on('close', () => clearTimeout(timer));
    request.end(body);
  });
}

function retryAfterMs(headers: IncomingHttpHeaders): number | undefined {
  const text = headers['retry-after'];
  if (text === undefined) return undefined;
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1_000;
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 0), MAX_RETRY_AFTER_SECONDS) * 1_000 : undefined;
}

function bareHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}
