import type { IncomingMessage } from 'node:http';
import type { Agent } from 'node:https';
import type { Awaitable } from '../core/log/bytes.ts';
import type { Log } from './log.ts';
import type { MayWrite, Session } from './sync/session.ts';
import type { Validate } from './sync/validator.ts';

/**
 * Who sends a request (its cookies or headers tell), and what that account may do; undefined when nobody is signed in (401).
 * Called for every request, and once a minute for an open live connection.
 */
export type Authorize = (request: IncomingMessage) => Awaitable<(Session & { readonly account: string }) | undefined>;

/** Everything but `dataDir` may be left out. */
export interface WakelogOptions {
  /** Folder of the database, the keys and the canary files; made when missing (mode 0700). One process at a time. */
  readonly dataDir: string;
  /** Path of sync, live, push and the browser files. Default `/wakelog`. */
  readonly mount?: string;
  /** Paths of REST collections that the server answers for clients without a worker, such as `/api/tasks`. Default none. */
  readonly collections?: readonly string[];
  /** The space of the REST collections: the one that the site's pages use. Default `default`. */
  readonly space?: string;
  /** Without it the server is open, to this machine only, and says so in its log. */
  readonly authorize?: Authorize;
  /** Whether a log's account may still write when another session carries its entries. Default: whoever was enrolled may. */
  readonly mayWrite?: MayWrite;
  /** Judges each new data entry; an objection refuses the entry, for good and for everybody. */
  readonly validate?: Validate;
  /** Names (no port) that this server answers under, besides loopback ones; `.example.org` stands for all below it. Needs `authorize`. */
  readonly hosts?: readonly string[];
  /** Push services besides the known ones, as exact origins. A listed one may be http and have a private address. */
  readonly pushOrigins?: readonly string[];
  /** `mailto:` or `https:` address for operators of push services. Default `mailto:wakelog@localhost.invalid`. */
  readonly vapidSubject?: string;
  /** For private certificate authorities and stand-ins. */
  readonly pushAgent?: Agent;
  /** Where to send what is meant for an endpoint; for stand-ins. Default: there. */
  readonly rewritePushEndpoint?: (endpoint: string) => string;
  /** Live connections held at once; beyond, 503 with Retry-After. Default 1,000. */
  readonly maxLiveConnections?: number;
  /** Sustained rate for each remote address (a fivefold burst is let through); loopback is not limited. Default 100. */
  readonly maxRequestsPerSecond?: number;
  /** The database never grows beyond this; writes are then answered `storage-full`. Default no bound. */
  readonly maxDatabaseBytes?: number;
  /** Serves a worker that unregisters itself in place of the worker files, and keeps the data. Default false. */
  readonly off?: boolean;
  /** A pino logger, or anything called alike. Default: pino on standard output. */
  readonly log?: Log;
}

/** Options with their defaults. */
export type Settings = Required<
  Omit<WakelogOptions, 'authorize' | 'validate' | 'pushAgent' | 'maxDatabaseBytes' | 'log'>
> &
  Pick<WakelogOptions, 'authorize' | 'validate' | 'pushAgent' | 'maxDatabaseBytes'>;

/** Throws an explained error for options that cannot be meant. */
export function resolveOptions(options: WakelogOptions, isLoopbackName: (name: string) => boolean): Settings {
  const { log: _, ...given } = options;
  const settings: Settings = {
    mount: '/wakelog',
    collections: [],
    space: 'default',
    mayWrite: () => true,
    hosts: [],
    pushOrigins: [],
    vapidSubject: 'mailto:wakelog@localhost.invalid',
    rewritePushEndpoint: (endpoint) => endpoint,
    maxLiveConnections: 1_000,
    maxRequestsPerSecond: 100,
    off: false,
    ...given,
  };
  for (const path of [settings.mount, ...settings.collections]) {
    if (!/^(\/[\w.~-]+)+$/.test(path))
      throw new Error(`a path such as /wakelog or /api/tasks is expected, not ${path}`);
  }
  if (settings.dataDir === '') throw new Error('dataDir names the folder of the data');
  const foreign = settings.hosts.filter((host) => !isLoopbackName(host.toLowerCase()));
  if (settings.authorize === undefined && foreign.length > 0) {
    throw new Error(`without \`authorize\` everybody could read and write: ${foreign.join(', ')} cannot be served`);
  }
  for (const [name, value] of [
    ['maxLiveConnections', settings.maxLiveConnections],
    ['maxRequestsPerSecond', settings.maxRequestsPerSecond],
  ] as const) {
    if (!Number.isFinite(value) || value < 0) throw new Error(`${name} is a number, not ${value}`);
  }
  return settings;
}
