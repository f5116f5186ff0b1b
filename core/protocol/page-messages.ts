import type { Json } from '../log/body.ts';
import type { ErrorCode } from './errors.ts';

/*
 * What a page and its worker say. Page → worker: `worker.postMessage(PageRequest, [port])`, which starts a stopped worker; the
 * answer comes once on the port. Every request may be repeated: one that appends carries an `attempt` made by the page, under
 * which the worker remembers what it appended. Worker → pages: hints on a BroadcastChannel (`pageChannelName`), which may be
 * lost: a page that sees a gap in `count`, or comes back to the foreground, reads again.
 */

/** Which database a page works on. */
export interface PageScope {
  readonly account: string;
  readonly space: string;
}

/** An item as pages get it. */
export interface PageItem {
  readonly key: string;
  readonly value: Json;
  readonly deleted: boolean;
  /** Ids of all live versions, the displayed one first. */
  readonly ids: readonly string[];
  readonly conflict: boolean;
  readonly incomplete: boolean;
  /** The displayed version is an own one that no server has acknowledged yet. */
  readonly unsent: boolean;
  /** Grows in the order in which the keys were created; a text to compare. */
  readonly created: string;
}

/** A fact of history (VIEW1): entries that wrote one key without knowing of each other. It stays when the conflict is resolved. */
export interface PageCollision {
  readonly key: string;
  /** The version that all of them followed: the first 22 characters of its id. Null: each was the key's first write to its writer. */
  readonly parent: string | null;
  readonly entries: readonly { readonly log: string; readonly sequence: number }[];
}

export type PageWrite = { readonly key: string; readonly parents?: readonly string[] } & (
  | { readonly value: Json }
  | { readonly deleted: true }
);

export interface PageDraft {
  readonly writes: readonly PageWrite[];
  readonly events?: readonly Json[];
}

export interface PageAppended {
  readonly id: string;
  readonly log: string;
  readonly sequence: number;
}

export interface PageStatus {
  /** `worker`: all of it. `rest`: no service worker; writes go straight to the server. */
  readonly engine: 'worker' | 'rest';
  readonly connection: 'idle' | 'syncing' | 'live' | 'offline' | 'waiting' | 'needs-auth' | 'needs-update';
  readonly unsent: number;
  readonly refused: readonly { readonly id: string; readonly code: string; readonly reason: string }[];
  readonly conflicts: number;
  readonly updatesReady: number;
  readonly atRisk: 'evictable' | 'full' | null;
  readonly updateNeeded: boolean;
  /** ms by the server's clock; null before the first contact. */
  readonly lastSynced: number | null;
  readonly push: 'on' | 'off' | 'denied' | 'unsupported';
  /**
   * The device was found `emptied` by its browser, or `restored` to an earlier state: what it had not sent is lost, and what
   * is shown may be old, until the next exchange is level. Left out otherwise.
   */
  readonly setback?: 'emptied' | 'restored';
  /** Logs with two signed histories, proven: a device was cloned, or put back, or lies. Left out when there are none. */
  readonly forks?: readonly string[];
}

export type PageVerdict =
  | { readonly state: 'unsent' | 'accepted' | 'unknown' }
  | { readonly state: 'refused'; readonly code: string; readonly reason: string };

/** One typed map of requests, imported by both ends. */
export interface PageRequests {
  /** A page is here (again). Sets the account that captured requests are written for. Answers the state. */
  readonly hello: {
    readonly ask: PageScope & {
      /** Whether entries of others wait under the ribbon while tabs are open. */
      readonly updates: 'hold' | 'live';
      /** A fresh page load: with no other tab open, everything that waits is taken. */
      readonly fresh: boolean;
      /** Headers to send with every request to the server (an Authorization, say), kept by the worker until replaced; null: the kept ones stay. */
      readonly headers: Readonly<Record<string, string>> | null;
    };
    readonly answer: PageStatus;
  };
  /** Sent every 10 s by a visible page: keeps the worker alive where a stream does not. */
  readonly alive: { readonly ask: PageScope; readonly answer: null };
  readonly append: {
    readonly ask: PageScope & { readonly attempt: string; readonly drafts: readonly PageDraft[] };
    readonly answer: readonly PageAppended[];
  };
  readonly item: { readonly ask: PageScope & { readonly key: string }; readonly answer: PageItem | null };
  readonly items: { readonly ask: PageScope & { readonly prefix: string }; readonly answer: readonly PageItem[] };
  /** Keys with more than one live version, as they are displayed. */
  readonly conflicts: { readonly ask: PageScope; readonly answer: readonly PageItem[] };
  /** Of all keys, resolved ones included (S1.17). */
  readonly collisions: { readonly ask: PageScope; readonly answer: readonly PageCollision[] };
  readonly status: { readonly ask: PageScope; readonly answer: PageStatus };
  readonly settled: { readonly ask: PageScope & { readonly id: string }; readonly answer: PageVerdict };
  /** Folds what waits under the ribbon; answers the keys that changed. */
  readonly accept: { readonly ask: PageScope; readonly answer: readonly string[] };
  readonly sync: { readonly ask: PageScope & { readonly why: 'call' | 'focus' | 'visible' | 'online' | 'start' | 'signed-in' }; readonly answer: null };
  /** A push subscription of this browser, as JSON, or null when there is none any more. The worker hands it to the server. */
  readonly subscribed: { readonly ask: PageScope & { readonly subscription: Json }; readonly answer: null };
  /** The server's VAPID public key, base64url. */
  readonly pushKey: { readonly ask: PageScope; readonly answer: string };
  /** Own entries that no server has. */
  readonly exportUnsent: { readonly ask: PageScope; readonly answer: readonly Json[] };
  /** Closes the account's database on this device; `wipe` deletes it, unsent entries included. */
  readonly leave: { readonly ask: PageScope & { readonly wipe: boolean }; readonly answer: null };
}

export type PageRequestType = keyof PageRequests;

/** What is posted. */
export type PageRequest = { readonly [T in PageRequestType]: { readonly wakelog: T; readonly ask: PageRequests[T]['ask'] } }[PageRequestType];

/** What comes back on the port. */
export type PageReply<T extends PageRequestType = PageRequestType> =
  | { readonly ok: PageRequests[T]['answer'] }
  | { readonly error: ErrorCode; readonly message: string };

/** A hint from the worker. `count` grows by one with each hint of one worker life; a new `life` means read again. */
export type PageHint = { readonly life: string; readonly count: number } & (
  | {
      readonly type: 'changed';
      readonly keys: readonly string[];
      readonly origin: 'own' | 'remote';
      /** The items under all these keys, where they are few and short; what they say is as old as the hint. */
      readonly items?: readonly PageItem[];
    }
  | { readonly type: 'status'; readonly status: PageStatus }
  /** Everything may have changed (an account left, a store emptied, a view rebuilt). */
  | { readonly type: 'reset' }
  /** The auth hook is wanted: the server answered 401. */
  | { readonly type: 'needs-auth' }
);

export function pageChannelName({ account, space }: PageScope): string {
  return `wakelog:${JSON.stringify([account, space])}`;
}

/** Settings that the script tag and `connect()` write into the worker's own URL, so that a restarted worker knows them at once. */
export interface WorkerSettings {
  readonly space: string;
  /** Path prefixes that are REST collections, such as `/api/tasks`. */
  readonly capture: readonly string[];
  /** Whether the site's own documents and static files are kept for offline use. */
  readonly shell: boolean;
  /** Title and body of the push notification; `{count}` stands for the number of new entries. */
  readonly notification: { readonly title: string; readonly body: string };
}

export function settingsToQuery(settings: WorkerSettings): string {
  return new URLSearchParams({ settings: JSON.stringify(settings) }).toString();
}

/** The settings in a worker's URL; undefined when they are not ours. */
export function queryToSettings(query: string): WorkerSettings | undefined {
  const text = new URLSearchParams(query).get('settings');
  if (text === null) return undefined;
  try {
    const value = JSON.parse(text) as Partial<WorkerSettings>;
    const { space, capture, shell, notification } = value;
    if (typeof space !== 'string' || !Array.isArray(capture) || !capture.every((path) => typeof path === 'string')) return undefined;
    if (typeof shell !== 'boolean' || typeof notification?.title !== 'string' || typeof notification.body !== 'string') return undefined;
    return { space, capture, shell, notification: { title: notification.title, body: notification.body } };
  } catch {
    return undefined;
  }
}
