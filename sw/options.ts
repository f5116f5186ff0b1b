import type { PageItem, WorkerSettings } from '../core/protocol/page-messages.ts';

/** What a notification may be made of: what others changed since somebody last looked, already pulled and readable. */
export interface News {
  /** Of changed items, at least 1. */
  readonly count: number;
  /** Their keys, at most 1,000; empty while the changes wait under the ribbon of an open tab. */
  readonly keys: readonly string[];
  readonly item: (key: string) => Promise<PageItem | undefined>;
}

export interface NotificationText {
  readonly title: string;
  readonly body: string;
}

export interface WorkerOptions extends WorkerSettings {
  /** Path of the server's routes, without a slash at the end. */
  readonly mount: string;
  /** Writes the notification; undefined, or a failure, leaves it to `notification`. */
  readonly describe?: (news: News) => Promise<NotificationText | undefined>;
}
