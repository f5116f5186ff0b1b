import type { EventLog } from '../parts/event-log.ts';

/** What both stand-ins tell of, in their own protocols' words mapped to one set. A device is one browser profile. */
export interface PushServiceEvents {
  /** The browser's long-lived connection stands; `known` if the service knew the device before. */
  connect: { readonly device: string; readonly known: boolean };
  disconnect: { readonly device: string };
  subscribe: { readonly device: string; readonly token: string; readonly endpoint: string };
  /** `code`: Firefox's reason, 200 page, 201 quota, 202 permission. */
  unsubscribe: { readonly device: string; readonly token: string; readonly code: number | null };
  /** A POST was answered 201. `stored`: the device is away, the message waits. */
  accepted: PushMessageInfo & { readonly bytes: number; readonly stored: boolean };
  /** A POST was answered otherwise. */
  refused: { readonly token: string; readonly status: number; readonly reason: string };
  /** A waiting message gave way to a newer one of the same topic. */
  replaced: PushMessageInfo;
  /** TTL ran out, or was 0 and the device away. */
  expired: PushMessageInfo;
  /** Written to the browser's connection. */
  delivered: PushMessageInfo;
  /** The browser has it. `code`: Firefox's 100 delivered, 101 undecryptable, 102 not delivered or duplicate. */
  ack: { readonly device: string; readonly version: string; readonly code: number | null };
  /** Firefox: the worker threw (301) or its waitUntil rejected (302). */
  nack: { readonly device: string; readonly version: string; readonly code: number | null };
}

export interface PushMessageInfo {
  readonly token: string;
  readonly version: string;
  readonly topic: string | null;
  readonly ttlSec: number;
  readonly urgency: string;
}

/** A push service on loopback: real encryption, real VAPID, a real browser's wire protocol; only the operator is ours. */
export interface PushService {
  readonly log: EventLog<PushServiceEvents>;
  /** Where POSTs go: `http://127.0.0.1:<port>`. */
  readonly origin: string;
  /** Origin of the endpoints that browsers are given; differs from `origin` where the browser fixes it. */
  readonly endpointOrigin: string;
  /** The address to POST to for an endpoint a browser was given. */
  rewrite(endpoint: string): URL;
  /** Listens; after `stop()`, again on the same ports with everything it knew. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Answers the next `times` POSTs with this status instead of taking them. */
  failNext(
    status: number,
    options?: { readonly times?: number; readonly headers?: Readonly<Record<string, string>> },
  ): void;
  /** From now on messages are accepted but wait, also for connected devices. */
  pause(): void;
  resume(): void;
  /**
   * Cuts every browser's connection; they come back by themselves. Chromium does so at once when the connection had stood
   * for 10 s; before that it takes it for a failing service and waits 10 to 30 s. The same holds for `stop()`.
   */
  dropConnections(): void;
  /** Makes an endpoint answer 410 without telling the browser. */
  expire(endpoint: string): void;
  /** Forgets every device and subscription: endpoints answer 410, browsers find themselves unknown. */
  forgetDevices(): void;
  /** Messages not yet acknowledged. */
  pending(): PushMessageInfo[];
}
