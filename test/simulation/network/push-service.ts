import { presentProcess } from '../world/process.ts';
import type { SimRandom } from '../world/random.ts';
import type { World } from '../world/world.ts';
import type { PushAnswer } from '../../../server/push/post-push.ts';
import type { PusherOptions } from '../../../server/push/pusher.ts';
import type { SimNetwork } from './network.ts';
import type { PushFault } from './push-fault.ts';
import type { Registered, SimPushSubscription, SubscribeOptions } from './push-subscription.ts';
import { createSubscription, PUSH_ORIGIN, readServerKey, register } from './push-subscription.ts';

/** A browser as its push service knows it: a machine, whichever of its programs run. */
export interface PushBrowser {
  /** The machine's name in the network. */
  readonly name: string;
  /** A message has come: the browser starts the worker for it. Called as the world. */
  readonly deliver: (data: string) => void;
  /** The subscription ended, and the browser knows: `pushsubscriptionchange`. Called as the world. */
  readonly changed?: (old: SimPushSubscription) => void;
}

/** As much of `registration.pushManager` as is used. */
export interface SimPushManager {
  readonly subscribe: (options: SubscribeOptions) => Promise<SimPushSubscription>;
  readonly getSubscription: () => Promise<SimPushSubscription | null>;
  readonly permissionState: () => Promise<'granted' | 'denied' | 'prompt'>;
}

export interface PushService {
  /** Of a browser that is running. One that comes again under its name takes the place of the one before. */
  readonly managerFor: (browser: PushBrowser, permission?: () => 'granted' | 'denied' | 'prompt') => SimPushManager;
  readonly subscribe: (browser: PushBrowser, options: SubscribeOptions) => Promise<SimPushSubscription>;
  /** For servers: what `createPusher` takes. */
  readonly post: PusherOptions['post'];
  /** One for each browser, or `*`. */
  readonly setFault: (browser: string, fault: PushFault | undefined) => void;
  /** A browser that is shut gets its messages once it is back. */
  readonly setOnline: (browser: string, online: boolean) => void;
  /** Ends a browser's subscription, with or without a word to it. */
  readonly expire: (browser: string, tells: boolean) => void;
  /** The browser's data was cleared: its subscription is gone on both sides. */
  readonly forget: (browser: string) => void;
  /** Somebody sends what they like to a browser. */
  readonly forge: (browser: string, data: string) => void;
  /** Ends all faults; every browser is online. What was ended or lost stays so. */
  readonly heal: () => void;
  /** Messages taken, and delivered, so far. */
  readonly counts: () => { readonly taken: number; readonly delivered: number };
}

export interface PushServiceOptions {
  readonly world: World;
  readonly network: SimNetwork;
  readonly random: SimRandom;
  /** How long a message is kept; as servers here ask for it. */
  readonly ttlMs?: number;
}

interface Message {
  readonly registered: Registered;
  readonly topic: string;
  readonly data: string;
  readonly expiresAt: number;
}

interface Account {
  browser: PushBrowser;
  registered: Registered | undefined;
  waiting: Message[];
}

const FOUR_WEEKS_MS = 2_419_200_000;
/** As server/push/post-push.ts has it. */
const ANSWER_WITHIN_MS = 15_000;
const RETRY_AFTER_MOST_S = 3_600;

export function createPushService({ world, network, random, ttlMs = FOUR_WEEKS_MS }: PushServiceOptions): PushService {
  const accounts = new Map<string, Account>();
  const byEndpoint = new Map<string, Registered>();
  const faults = new Map<string, PushFault>();
  const offline = new Set<string>();
  const counts = { taken: 0, delivered: 0 };
  const latencyMs = (): number => random.between(10, 300);

  /** Resolves or rejects as the process that asks, after a while; not at all when that is dead. */
  function later<T>(delayMs: number, produce: () => T): Promise<T> {
    const process = presentProcess();
    return new Promise((resolve, reject) => {
      world.after(
        delayMs,
        'push answer',
        () => {
          try {
            resolve(produce());
          } catch (error) {
            reject(error);
          }
        },
        process,
      );
    });
  }

  function accountOf(browser: PushBrowser): Account {
    const known = accounts.get(browser.name);
    if (known !== undefined) known.browser = browser;
    const account = known ?? { browser, registered: undefined, waiting: [] };
    accounts.set(browser.name, account);
    return account;
  }

  const isReachable = (machine: string): boolean => !network.isPartitioned(machine, PUSH_ORIGIN);

  function subscriptionOf(account: Account, registered: Registered): SimPushSubscription {
    return createSubscription(registered, () =>
      later(latencyMs(), () => {
        if (account.registered !== registered) return false;
        end(account);
        return true;
      }),
    );
  }

  function end(account: Account): void {
    if (account.registered !== undefined) account.registered.isGone = true;
    account.registered = undefined;
    account.waiting = [];
  }

  function subscribe(browser: PushBrowser, options: SubscribeOptions): Promise<SimPushSubscription> {
    const account = accountOf(browser);
    return later(latencyMs(), () => {
      const serverKey = readServerKey(options.applicationServerKey);
      const held = account.registered;
      if (held !== undefined) {
        if (!isSame(held.serverKey, serverKey))
          throw new DOMException('subscribed with another applicationServerKey', 'InvalidStateError');
        return subscriptionOf(account, held);
      }
      if (!isReachable(browser.name)) throw new DOMException('push service not available', 'AbortError');
      const registered = register(browser.name, serverKey, random);
      account.registered = registered;
      byEndpoint.set(registered.endpoint, registered);
      return subscriptionOf(account, registered);
    });
  }

  const post: PusherOptions['post'] = async ({ endpoint }, payload, topic) => {
    const sender = presentProcess()?.name.split('/')[0];
    if (sender !== undefined && !isReachable(sender)) return silence();
    const upMs = latencyMs();
    // The service takes it on arrival, also when the server that sent it has died meanwhile.
    const given: { answer: PushAnswer | 'silence' } = { answer: 'silence' };
    world.after(upMs, 'push post', () => {
      given.answer = take(endpoint, payload, topic);
    });
    await later(upMs, () => undefined);
    return given.answer === 'silence' ? silence() : answered(given.answer);
  };

  const answered = (answer: PushAnswer): Promise<PushAnswer> => later(latencyMs(), () => answer);

  function silence(): Promise<never> {
    return later(ANSWER_WITHIN_MS, () => {
      throw new Error('the push service did not answer');
    });
  }

  function take(endpoint: string, data: string, topic: string): PushAnswer | 'silence' {
    const registered = byEndpoint.get(endpoint);
    if (registered === undefined) return answerOf(404);
    if (registered.isGone) return answerOf(410);
    const { browser } = registered;
    const hits = [faults.get(browser), faults.get('*')].filter(
      (fault) => fault !== undefined && random.chance(fault.chance),
    );
    let answer: PushAnswer | 'silence' = answerOf(201);
    const delays = [latencyMs()];
    for (const fault of hits as PushFault[]) {
      world.trace(`push to ${browser}: ${fault.kind}`);
      switch (fault.kind) {
        case 'lose':
          delays.length = 0;
          break;
        case 'double':
          delays.push(latencyMs() + fault.lateMs);
          break;
        case 'late':
          delays.forEach((delayMs, i) => (delays[i] = delayMs + random.next() * fault.mostMs));
          break;
        case 'refuse':
          delays.length = 0;
          answer = answerOf(fault.status, fault.retryAfterS);
          break;
        case 'expire':
          expire(browser, fault.tells);
          return answerOf(410);
        case 'silence':
          if (!fault.takes) delays.length = 0;
          answer = 'silence';
          break;
        case 'forge':
          forge(browser, random.pick(['', 'null', '{"wakelog":"pull"}', '{"wakelog":"drop","space":"x"}', '\u0000']));
          break;
      }
    }
    if (delays.length > 0) counts.taken += 1;
    const message = { registered, topic, data, expiresAt: world.now() + ttlMs };
    for (const delayMs of delays) world.after(delayMs, 'push arrives', () => arrive(message));
    return answer;
  }

  /** At the browser's door: kept while it is away, one for each topic, the newest (RFC 8030 §5.4). */
  function arrive(message: Message): void {
    const { registered, topic, expiresAt } = message;
    const account = accounts.get(registered.browser);
    if (account === undefined || registered.isGone || expiresAt <= world.now()) return;
    if (offline.has(registered.browser) || !isReachable(registered.browser)) {
      account.waiting = account.waiting.filter((other) => other.topic !== topic || other.registered !== registered);
      account.waiting.push(message);
      return;
    }
    counts.delivered += 1;
    account.browser.deliver(message.data);
  }

  /** Something about the browsers' connections changed: what still cannot be delivered waits again. */
  function flush(): void {
    for (const { waiting } of accounts.values())
      for (const message of waiting.splice(0)) world.after(latencyMs(), 'push arrives', () => arrive(message));
  }

  function expire(name: string, tells: boolean): void {
    const account = accounts.get(name);
    const registered = account?.registered;
    if (account === undefined || registered === undefined) return;
    // A browser that is not told goes on believing in it.
    if (!tells) {
      registered.isGone = true;
      account.waiting = [];
      return;
    }
    const old = subscriptionOf(account, registered);
    end(account);
    world.after(latencyMs(), 'push subscription change', () => account.browser.changed?.(old));
  }

  function forge(name: string, data: string): void {
    const registered = accounts.get(name)?.registered;
    if (registered === undefined) return;
    const message = { registered, topic: 'forged', data, expiresAt: world.now() + ttlMs };
    world.after(latencyMs(), 'push arrives', () => arrive(message));
  }

  network.onChange(flush);

  return {
    managerFor: (browser, permission = () => 'granted') => ({
      async subscribe(options) {
        if (permission() !== 'granted') throw new DOMException('permission denied', 'NotAllowedError');
        return subscribe(browser, options);
      },
      async getSubscription() {
        const account = accountOf(browser);
        return account.registered === undefined ? null : subscriptionOf(account, account.registered);
      },
      permissionState: async () => permission(),
    }),
    subscribe,
    post,
    setFault(browser, fault) {
      if (fault === undefined) faults.delete(browser);
      else faults.set(browser, fault);
    },
    setOnline(browser, online) {
      if (!online) offline.add(browser);
      else if (offline.delete(browser)) flush();
    },
    expire,
    forget(browser) {
      const account = accounts.get(browser);
      if (account !== undefined) end(account);
    },
    forge,
    heal() {
      faults.clear();
      offline.clear();
      flush();
    },
    counts: () => ({ ...counts }),
  };
}

function answerOf(status: number, retryAfterS?: number): PushAnswer {
  const seconds = retryAfterS === undefined ? undefined : Math.min(retryAfterS, RETRY_AFTER_MOST_S);
  return { status, retryAfterMs: seconds === undefined ? undefined : seconds * 1_000 };
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
