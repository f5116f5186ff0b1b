import { randomBytes } from 'node:crypto';

import { createEventLog } from '../parts/event-log.ts';
import type { EventLog } from '../parts/event-log.ts';
import type { PushMessageInfo, PushServiceEvents } from './push-service.ts';

export interface Subscription {
  readonly token: string;
  readonly device: string;
  /** VAPID public key, base64url without padding, or null when the page gave none. */
  readonly key: string | null;
  /** The browser's own names for it, as its protocol needs them at delivery. */
  readonly names: Readonly<Record<string, string>>;
  readonly gone: boolean;
}

export interface PushMessage extends PushMessageInfo {
  readonly body: Buffer;
  readonly encoding: string;
  readonly expiresAt: number;
}

/** A browser's open connection, as the hub needs it. */
export interface DeviceLink {
  deliver(message: PushMessage, subscription: Subscription): void;
  drop(): void;
}

interface Device {
  link: DeviceLink | null;
  queue: { readonly message: PushMessage; sent: boolean }[];
}

/** Devices, subscriptions and waiting messages of a push service; knows no wire protocol. */
export interface PushHub {
  readonly log: EventLog<PushServiceEvents>;
  knows(device: string): boolean;
  connect(device: string, link: DeviceLink): void;
  disconnect(device: string, link: DeviceLink): void;
  subscribe(wanted: Omit<Subscription, 'token' | 'gone'>, endpointOf: (token: string) => string): Subscription;
  unsubscribe(matches: (subscription: Subscription) => boolean, code: number | null): void;
  subscription(token: string): Subscription | null;
  /** Takes a message for a live subscription and sends what can be sent. */
  take(message: PushMessage): void;
  acknowledge(device: string, version: string, code: number | null): void;
  pause(): void;
  resume(): void;
  dropConnections(): void;
  forgetDevices(): void;
  pending(): PushMessageInfo[];
}

export function createPushHub(name: string): PushHub {
  const log = createEventLog<PushServiceEvents>(name);
  const devices = new Map<string, Device>();
  const subscriptions = new Map<string, Subscription>();
  let paused = false;

  const deviceOf = (id: string): Device => {
    const device = devices.get(id) ?? { link: null, queue: [] };
    devices.set(id, device);
    return device;
  };

  function flush(device: Device): void {
    for (const { message } of device.queue.filter(isExpired)) log.note('expired', infoOf(message));
    device.queue = device.queue.filter((waiting) => !isExpired(waiting));
    if (device.link === null || paused) return;
    for (const waiting of device.queue) {
      const subscription = subscriptions.get(waiting.message.token);
      if (waiting.sent || subscription === undefined) continue;
      waiting.sent = true;
      device.link.deliver(waiting.message, subscription);
      log.note('delivered', infoOf(waiting.message));
    }
  }

  function replaceTopic(device: Device, { token, topic }: PushMessage): void {
    if (topic === null) return;
    const gone = device.queue.filter(
      ({ message, sent }) => !sent && message.token === token && message.topic === topic,
    );
    device.queue = device.queue.filter((waiting) => !gone.includes(waiting));
    for (const { message } of gone) log.note('replaced', infoOf(message));
  }

  function unsubscribe(matches: (subscription: Subscription) => boolean, code: number | null): void {
    for (const subscription of [...subscriptions.values()].filter((each) => !each.gone && matches(each))) {
      const { token, device } = subscription;
      subscriptions.set(token, { ...subscription, gone: true });
      const owner = deviceOf(device);
      owner.queue = owner.queue.filter(({ message }) => message.token !== token);
      log.note('unsubscribe', { device, token, code });
    }
  }

  return {
    log,
    knows: (id) => devices.has(id),
    connect(id, link) {
      const known = devices.has(id);
      const device = deviceOf(id);
      if (device.link !== link) device.link?.drop();
      device.link = link;
      // What the last connection did not acknowledge goes again, but for TTL 0: "now or never" (RFC 8030 §5.2).
      device.queue = device.queue.filter(({ message, sent }) => !(sent && message.ttlSec === 0));
      for (const waiting of device.queue) waiting.sent = false;
      log.note('connect', { device: id, known });
      flush(device);
    },
    disconnect(id, link) {
      const device = devices.get(id);
      if (device?.link !== link) return;
      device.link = null;
      log.note('disconnect', { device: id });
    },
    subscribe(wanted, endpointOf) {
      const token = randomBytes(24).toString('base64url');
      const subscription: Subscription = { ...wanted, token, gone: false };
      subscriptions.set(token, subscription);
      deviceOf(wanted.device);
      log.note('subscribe', { device: wanted.device, token, endpoint: endpointOf(token) });
      return subscription;
    },
    unsubscribe,
    subscription: (token) => subscriptions.get(token) ?? null,
    take(message) {
      const device = deviceOf(subscriptions.get(message.token)?.device ?? '');
      const stored = device.link === null;
      log.note('accepted', { ...infoOf(message), bytes: message.body.length, stored });
      if (stored && message.ttlSec === 0) {
        log.note('expired', infoOf(message));
        return;
      }
      replaceTopic(device, message);
      device.queue.push({ message, sent: false });
      flush(device);
    },
    acknowledge(id, version, code) {
      const device = deviceOf(id);
      const held = device.queue.some(({ message }) => message.version === version);
      device.queue = device.queue.filter(({ message }) => message.version !== version);
      if (held) log.note('ack', { device: id, version, code });
    },
    pause: () => void (paused = true),
    resume() {
      paused = false;
      for (const device of devices.values()) flush(device);
    },
    dropConnections() {
      for (const device of devices.values()) device.link?.drop();
    },
    forgetDevices() {
      unsubscribe(() => true, null);
      for (const device of devices.values()) device.link?.drop();
      devices.clear();
    },
    pending: () => [...devices.values()].flatMap((device) => device.queue.map(({ message }) => infoOf(message))),
  };
}

function isExpired({ message }: { readonly message: PushMessage }): boolean {
  return message.ttlSec > 0 && message.expiresAt <= Date.now();
}

function infoOf({ token, version, topic, ttlSec, urgency }: PushMessage): PushMessageInfo {
  return { token, version, topic, ttlSec, urgency };
}
