import type { EventLog } from '../parts/event-log.ts';
import type { PushMessageInfo, PushServiceEvents } from './push-service.ts';

export interface PushMessage extends PushMessageInfo {
  readonly body: Buffer;
  readonly encoding: string;
  readonly expiresAt: number;
}

/** Messages that one device has not acknowledged, oldest first. */
export interface Mailbox {
  /** Takes a message; one with a topic replaces those of the same topic that were not yet sent (RFC 8030 §5.4). */
  put(message: PushMessage, deviceIsAway: boolean): void;
  /** Sends what was not sent on the present connection. */
  send(deliver: (message: PushMessage) => void): void;
  /** A new connection: what the last one left unacknowledged goes again. */
  reopen(): void;
  acknowledge(device: string, version: string, code: number | null): void;
  /** Drops what waits for a subscription that has gone. */
  drop(token: string): void;
  waiting(): PushMessageInfo[];
}

interface Waiting {
  readonly message: PushMessage;
  sent: boolean;
}

export function createMailbox(log: EventLog<PushServiceEvents>): Mailbox {
  let queue: Waiting[] = [];

  const remove = (matches: (waiting: Waiting) => boolean, kind?: 'expired' | 'replaced'): void => {
    const [removed, kept] = [queue.filter(matches), queue.filter((waiting) => !matches(waiting))];
    queue = kept;
    if (kind !== undefined) for (const { message } of removed) log.note(kind, infoOf(message));
  };

  return {
    put(message, deviceIsAway) {
      log.note('accepted', { ...infoOf(message), bytes: message.body.length, stored: deviceIsAway });
      const { token, topic, ttlSec } = message;
      if (topic !== null) {
        remove((other) => !other.sent && other.message.token === token && other.message.topic === topic, 'replaced');
      }
      queue.push({ message, sent: false });
      if (deviceIsAway && ttlSec === 0) remove((other) => other.message === message, 'expired');
    },
    send(deliver) {
      remove(({ message }) => message.ttlSec > 0 && message.expiresAt <= Date.now(), 'expired');
      for (const waiting of queue.filter(({ sent }) => !sent)) {
        waiting.sent = true;
        deliver(waiting.message);
        log.note('delivered', infoOf(waiting.message));
      }
    },
    reopen() {
      remove(({ message, sent }) => sent && message.ttlSec === 0); // "now or never" (RFC 8030 §5.2)
      for (const waiting of queue) waiting.sent = false;
    },
    acknowledge(device, version, code) {
      const held = queue.length;
      remove(({ message }) => message.version === version);
      if (queue.length < held) log.note('ack', { device, version, code });
    },
    drop: (token) => remove(({ message }) => message.token === token),
    waiting: () => queue.map(({ message }) => infoOf(message)),
  };
}

function infoOf({ token, version, topic, ttlSec, urgency }: PushMessage): PushMessageInfo {
  return { token, version, topic, ttlSec, urgency };
}
