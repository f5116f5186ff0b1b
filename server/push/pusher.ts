import { createHash } from 'node:crypto';
import type { Log } from '../log.ts';
import type { PushAnswer } from './post-push.ts';
import type { SubscriptionOwner, SubscriptionStore } from './subscription-store.ts';
import type { Subscription } from './subscription.ts';

/** Wakes devices that are not connected. A push is a hint to pull and carries no data: losing one costs time only (PUSH4). */
export interface Pusher {
  /** Something new is in a space; `by` wrote it and needs no telling. Returns at once. */
  readonly notify: (space: string, by: Pick<SubscriptionOwner, 'account' | 'device'> | undefined) => void;
  readonly isAllowedEndpoint: (endpoint: string) => boolean;
  /** Gives up what waits; resolves when nothing is on its way. */
  readonly close: () => Promise<void>;
}

export interface PusherOptions {
  readonly subscriptions: SubscriptionStore;
  readonly post: (to: Subscription, payload: string, topic: string) => Promise<PushAnswer>;
  readonly isAllowedEndpoint: (endpoint: string) => boolean;
  readonly isLive: (owner: SubscriptionOwner) => boolean;
  readonly random: () => number;
  readonly log: Log;
}

/** What is written within this time wakes a device once. */
export const COALESCE_MS = 500;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 300_000;
const MAX_ATTEMPTS = 10;
const MAX_IN_FLIGHT = 32;

/** One device's hint: waiting for its time, or on its way; `again` when something new came meanwhile. */
interface Pending {
  readonly owner: SubscriptionOwner;
  timer: NodeJS.Timeout | undefined;
  again: boolean;
  failures: number;
}

export function createPusher(options: PusherOptions): Pusher {
  const { subscriptions, isLive, log } = options;
  const pendingByOwner = new Map<string, Pending>();
  const running = new Set<Promise<unknown>>();
  const queue: (() => void)[] = [];
  let inFlight = 0;
  let closed = false;

  function track(task: Promise<unknown>): void {
    running.add(task);
    void task.finally(() => running.delete(task));
  }

  function notify(space: string, by: Pick<SubscriptionOwner, 'account' | 'device'> | undefined): void {
    if (closed) return;
    track(
      subscriptions.ofSpace(space).then(
        (stored) => stored.forEach(({ owner }) => wake(owner, by)),
        (error: unknown) => log.error({ err: error, space }, 'push subscriptions cannot be read'),
      ),
    );
  }

  function wake(owner: SubscriptionOwner, by: Pick<SubscriptionOwner, 'account' | 'device'> | undefined): void {
    if (closed || (by !== undefined && owner.account === by.account && owner.device === by.device) || isLive(owner))
      return;
    const name = JSON.stringify([owner.space, owner.account, owner.device]);
    const pending = pendingByOwner.get(name);
    if (pending === undefined) {
      const fresh: Pending = { owner, timer: undefined, again: false, failures: 0 };
      pendingByOwner.set(name, fresh);
      schedule(name, fresh, COALESCE_MS);
    } else if (pending.timer === undefined) {
      pending.again = true;
    }
  }

  function schedule(name: string, pending: Pending, delayMs: number): void {
    pending.timer = setTimeout(() => {
      pending.timer = undefined;
      track(send(name, pending));
    }, delayMs);
    pending.timer.unref();
  }

  async function send(name: string, pending: Pending): Promise<void> {
    await takePlace();
    try {
      const delayMs = closed ? undefined : await attempt(pending);
      if (closed || (delayMs === undefined && !pending.again)) pendingByOwner.delete(name);
      else schedule(name, pending, delayMs ?? COALESCE_MS);
    } catch (error) {
      log.error({ err: error, space: pending.owner.space }, 'a push failed');
      pendingByOwner.delete(name);
    } finally {
      inFlight -= 1;
      queue.shift()?.();
    }
  }

  async function takePlace(): Promise<void> {
    if (inFlight >= MAX_IN_FLIGHT) {
      await new Promise<void>((resolve) => {
        queue.push(resolve);
      });
    }
    inFlight += 1;
  }

  /** Sends once; how long to wait before the next try, or undefined when there is to be none. */
  async function attempt(pending: Pending): Promise<number | undefined> {
    const { owner } = pending;
    pending.again = false;
    // It may have come, gone or moved since it was queued.
    const subscription = isLive(owner) ? undefined : await subscriptions.get(owner);
    if (subscription === undefined) return undefined;
    const payload = JSON.stringify({ wakelog: 'pull', space: owner.space });
    const answer = await options
      .post(subscription, payload, topicOf(owner.space))
      .catch((error: unknown) => error as Error);
    const next = nextStep(answer, pending.failures, options.random());
    const about = { space: owner.space, service: new URL(subscription.endpoint).origin, ...describe(answer) };
    if (next === 'done') {
      pending.failures = 0;
      log.debug(about, 'pushed');
      return undefined;
    }
    if (next === 'gone') {
      await subscriptions.endEndpoint(subscription.endpoint);
      log.info(about, 'a push subscription is gone');
      return undefined;
    }
    pending.failures += 1;
    log.warn(
      { ...about, attempt: pending.failures },
      next === 'give-up' ? 'a push was given up' : 'a push is tried again',
    );
    return next === 'give-up' ? undefined : next;
  }

  return {
    notify,
    isAllowedEndpoint: options.isAllowedEndpoint,
    async close() {
      closed = true;
      for (const { timer } of pendingByOwner.values()) clearTimeout(timer);
      pendingByOwner.clear();
      await Promise.allSettled(running);
    },
  };
}

/** What an answer asks for: `done`, `gone` (forget the endpoint), `give-up`, or another try after so many ms (PUSH5). */
export function nextStep(
  answer: PushAnswer | Error,
  failures: number,
  random: number,
): 'done' | 'gone' | 'give-up' | number {
  const status = answer instanceof Error ? 0 : answer.status;
  if (status >= 200 && status < 300) return 'done';
  if (status === 404 || status === 410) return 'gone';
  const mayPass = status === 0 || status === 429 || status >= 500;
  if (!mayPass || failures + 1 >= MAX_ATTEMPTS) return 'give-up';
  const jittered = FIRST_PAUSE_MS + random * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
  return Math.max(jittered, answer instanceof Error ? 0 : (answer.retryAfterMs ?? 0));
}

/** So that a push service keeps one message of a space for a sleeping device: at most 32 characters of base64url. */
export function topicOf(space: string): string {
  return createHash('sha256').update(space).digest('base64url').slice(0, 32);
}

function describe(answer: PushAnswer | Error): object {
  return answer instanceof Error ? { reason: answer.message } : { status: answer.status };
}
