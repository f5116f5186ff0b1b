import type { Device, SyncOutcome, Wake } from '../core/engine/device.ts';
import type { PageScope } from '../core/protocol/page-messages.ts';
import type { Devices } from './devices.ts';
import { databaseName } from './devices.ts';
import type { WorkerMemory } from './memory.ts';

/** Syncs inside the worker's events: what an event waits for, so that the browser lets the worker live that long. */
export interface Sender {
  /** One run of the sync loop. What stays unsent is left to the browser's alarm. */
  readonly send: (scope: PageScope, why: Wake) => Promise<SyncOutcome>;
  /** The alarm rang: sends what the present account has not sent. Rejects when it has to ring again. */
  readonly onAlarm: () => Promise<void>;
}

export interface SenderOptions {
  readonly devices: Devices;
  readonly memory: WorkerMemory;
  /** Asks the browser for a sync event once there is a network. */
  readonly setAlarm: () => Promise<void>;
}

export function createSender({ devices, memory, setAlarm }: SenderOptions): Sender {
  const running = new Map<string, Promise<SyncOutcome>>();

  function send(scope: PageScope, why: Wake): Promise<SyncOutcome> {
    const name = databaseName(scope);
    const run = devices.use(scope, (device) => sendAll(device, why));
    running.set(name, run);
    const forget = (): void => {
      if (running.get(name) === run) running.delete(name);
    };
    run.then(forget, forget);
    return run;
  }

  async function sendAll(device: Device, why: Wake): Promise<SyncOutcome> {
    const ending = device.syncNow(why);
    // While it is under way the worker may be stopped: then the alarm goes on. What rings before it ended waits for its end.
    if (why === 'write' || (await device.status()).unsent > 0) await setAlarm();
    return ending;
  }

  return {
    send,
    async onAlarm() {
      const session = await memory.session();
      if (session === undefined) return;
      // The write that set the alarm is mostly being sent already.
      await running.get(databaseName(session))?.catch(() => undefined);
      const left = await devices.use(session, async (device) => {
        if ((await device.status()).unsent === 0) return 0;
        const outcome = await device.syncNow('background-sync');
        await device.replica.flush();
        // Signing in and updating take a page, and what the server does not take now waits for somebody to change that.
        return outcome === 'offline' || outcome === 'waiting' ? (await device.status()).unsent : 0;
      });
      if (left > 0) throw new Error(`${left} entries are not sent yet`);
    },
  };
}
