import type { IncomingMessage } from 'node:http';
import type { Crypto } from '../../core/log/crypto.ts';
import type { Log } from '../log.ts';
import type { Pusher } from '../push/pusher.ts';
import type { SubscriptionStore } from '../push/subscription-store.ts';
import type { Spaces } from '../spaces/spaces.ts';
import type { SyncContext } from '../sync/answer-sync.ts';
import type { Session } from '../sync/session.ts';
import type { BodyReader } from './bodies.ts';
import type { Guards } from './guards.ts';
import type { LiveConnections } from '../sync/live-connections.ts';

/** What the routes share; made by the composition root. */
export interface RouteContext {
  readonly log: Log;
  readonly crypto: Crypto;
  readonly spaces: Spaces;
  readonly sync: SyncContext;
  readonly live: LiveConnections;
  readonly bodies: BodyReader;
  readonly guards: Guards;
  readonly checkRate: (request: IncomingMessage) => void;
  /** Throws `unauthenticated` when the request has no session. */
  readonly sessionOf: (request: IncomingMessage) => Promise<Session>;
  readonly pusher: Pusher;
  readonly subscriptions: SubscriptionStore;
  /** VAPID public key, base64url. */
  readonly pushKey: string;
}
