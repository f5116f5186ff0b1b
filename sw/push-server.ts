import type { Json } from '../core/log/body.ts';
import { isErrorCode, WakelogError } from '../core/protocol/errors.ts';
import type { PageScope, PageStatus } from '../core/protocol/page-messages.ts';
import type { Devices } from './devices.ts';
import { databaseName } from './devices.ts';
import type { WorkerMemory } from './memory.ts';
import { worker } from './global-scope.ts';

/** What the server knows of this browser's push subscription. */
export interface PushServer {
  /** The VAPID public key, base64url. */
  readonly key: (scope: PageScope) => Promise<string>;
  /** Hands a subscription to the server, or takes it back (null). One that does not arrive is handed over later. */
  readonly tell: (scope: PageScope, subscription: Json) => Promise<void>;
  /** Hands over what did not arrive. */
  readonly retell: (scope: PageScope) => Promise<void>;
  readonly state: (scope: PageScope) => Promise<PageStatus['push']>;
}

export interface PushServerOptions {
  readonly mount: string;
  readonly memory: WorkerMemory;
  readonly devices: Devices;
}

const ANSWER_WITHIN_MS = 15_000;

export function createPushServer({ mount, memory, devices }: PushServerOptions): PushServer {
  async function ask(
    scope: PageScope,
    method: 'GET' | 'POST',
    path: string,
    fields?: { readonly [name: string]: Json },
  ): Promise<Json> {
    const { headers } = await memory.wishes(scope);
    const response = await fetch(`${mount}/push/${path}`, {
      method,
      headers: fields === undefined ? headers : { ...headers, 'content-type': 'application/json' },
      ...(fields === undefined ? {} : { body: JSON.stringify(fields) }),
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      redirect: 'error',
      cache: 'no-store',
    }).catch(() => undefined);
    const answer = (await response?.json().catch(() => undefined)) as { readonly [name: string]: Json } | undefined;
    if (response?.ok === true && answer !== undefined) return answer;
    const code = answer?.['error'];
    throw isErrorCode(code) ? new WakelogError(code) : new WakelogError('busy', 'the server cannot be reached');
  }

  async function post(scope: PageScope, path: string, more: { readonly [name: string]: Json }): Promise<void> {
    const device = await devices.use(scope, async ({ name }) => name);
    await ask(scope, 'POST', path, { ...more, account: scope.account, space: scope.space, device });
  }

  async function handOver(scope: PageScope, subscription: Json): Promise<void> {
    try {
      await post(scope, 'subscribe', { subscription });
      await memory.setPush(scope, { subscription, told: true });
    } catch (error) {
      // A server that does not take this one never will; one that cannot be reached gets it at the next chance.
      if (error instanceof WakelogError && error.code === 'endpoint-not-allowed')
        await memory.setPush(scope, undefined);
      throw error;
    }
  }

  /** Handings over by database, so that none is repeated while it is under way. */
  const underWay = new Map<string, Promise<void>>();

  async function once(scope: PageScope, body: () => Promise<void>): Promise<void> {
    const name = databaseName(scope);
    const run = body();
    underWay.set(name, run);
    try {
      await run;
    } finally {
      if (underWay.get(name) === run) underWay.delete(name);
    }
  }

  return {
    async key(scope) {
      const answer = await ask(scope, 'GET', 'key');
      const key = (answer as { readonly key?: Json }).key;
      if (typeof key !== 'string') throw new WakelogError('busy', 'the server has no push key');
      return key;
    },
    async tell(scope, subscription) {
      if (subscription === null) {
        await memory.setPush(scope, undefined);
        await post(scope, 'unsubscribe', {});
        return;
      }
      await once(scope, async () => {
        await memory.setPush(scope, { subscription, told: false });
        await handOver(scope, subscription);
      });
    },
    async retell(scope) {
      const present = underWay.get(databaseName(scope));
      if (present !== undefined) return present;
      const push = await memory.push(scope);
      if (push?.told === false) await handOver(scope, push.subscription);
    },
    async state(scope) {
      const manager = worker.registration.pushManager as PushManager | undefined;
      if (manager === undefined) return 'unsupported';
      if ((await memory.push(scope))?.told === true) return 'on';
      return (await manager.permissionState({ userVisibleOnly: true })) === 'denied' ? 'denied' : 'off';
    },
  };
}
