import type { Awaitable } from '../../core/log/bytes.ts';

/** Who asks, and what they may do; made from a request by the app's `authorize` hook. */
export interface Session {
  /** Undefined: everybody on this machine (open mode); a request may claim any account. */
  readonly account: string | undefined;
  readonly read: (space: string) => Awaitable<boolean>;
  readonly write: (space: string) => Awaitable<boolean>;
}

/** Whether a log's account may still write in a space, when somebody else's session carries its entries. */
export type MayWrite = (account: string, space: string) => Awaitable<boolean>;
