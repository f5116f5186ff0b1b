import { randomBytes } from 'node:crypto';

import { createEventLog } from '../parts/event-log.ts';
import type { EventLog } from '../parts/event-log.ts';
import { createMailbox } from './mailbox.ts';
import type { Mailbox, PushMessage } from './mailbox.ts';
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

/** A browser's open connection, as the hub needs it. */
export interface DeviceLink {
  deliver(message: PushMessage, subscription: Subscription): void;
  drop(): void;
}

interface Device {
  link: DeviceLink | null;
  readonly mailbox: Mailbox;
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
  take(subscription: Subscription, message: PushMessage): void;
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
    const device = devices.get(id) ?? { link: null, mailbox: createMailbox(log) };
    devices.set(id, device);
    return device;
  };
  const flush = ({ link, mailbox }: Device): void => {
    if (link === null || paused) return;
    mailbox.send((message) => {
      const subscription = subscriptions.get(message.token);
      if (subscription !== undefined) link.deliver(message, subscription);
    });
  };
  const unsubscribe = (matches: (subscription: Subscription) => boolean, code: number | null): void => {
    for (const subscription of [...subscriptions.values()].filter((each) => !each.gone && matches(each))) {
      const { token, device } = subscription;
      subscriptions.set(token, { ...subscription, gone: true });
      deviceOf(device).mailbox.drop(token);
      log.note('unsubscribe', { device, token, code });
    }
  };
  const dropConnections = (): void => {
    for (const device of devices.values()) device.link?.drop();
  };

  return {
    log,
    knows: (id) => devices.has(id),
    connect(id, link) {
      const known = devices.has(id);
      const device = deviceOf(id);
      if (device.link !== link) device.link?.drop();
      device.link = link;
      device.mailbox.reopen();
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
      log.note('subscribe', { device: wanted.device, token, endpoint: endpointOf(token) });
      return subscription;
    },
    unsubscribe,
    subscription: (token) => subscriptions.get(token) ?? null,
    take(subscription, message) {
      const device = deviceOf(subscription.device);
      device.mailbox.put(message, device.link === null);
      flush(device);
    },
    acknowledge: (id, version, code) => deviceOf(id).mailbox.acknowledge(id, version, code),
    pause: () => void (paused = true),
    resume() {
      paused = false;
      for (const device of devices.values()) flush(device);
    },
    dropConnections,
    forgetDevices() {
      unsubscribe(() => true, null);
      dropConnections();
      devices.clear();
    },
    pending: () => [...devices.values()].flatMap((device) => device.mailbox.waiting()),
  };
}
