import { expect, test } from 'vitest';

import type { Device, Wake } from '../../../core/engine/device.ts';
import type { Devices } from '../../../sw/devices.ts';
import type { WorkerMemory } from '../../../sw/memory.ts';
import { createSender } from '../../../sw/sender.ts';

const SCOPE = { account: 'ann', space: 'tasks' };

test.each<{ why: Wake; unsent: number; sets: boolean }>([
  { why: 'write', unsent: 0, sets: true },
  { why: 'start', unsent: 3, sets: true },
  { why: 'push', unsent: 3, sets: true },
  { why: 'start', unsent: 0, sets: false },
])(
  'CAP33 $why with $unsent unsent entries: a worker that is stopped while it sends has set the alarm: $sets',
  async ({ why, unsent, sets }) => {
    let alarms = 0;
    const neverAnswered: Pick<Device, 'syncNow' | 'status'> = {
      syncNow: () => new Promise(() => undefined),
      status: async () => ({ unsent }) as Awaited<ReturnType<Device['status']>>,
    };
    const devices = {
      use: async (_scope: unknown, body: (device: Device) => unknown) => body(neverAnswered as Device),
    } as unknown as Devices;
    const sender = createSender({ devices, memory: {} as WorkerMemory, setAlarm: async () => void (alarms += 1) });
    void sender.send(SCOPE, why);
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(alarms > 0).toBe(sets);
  },
);

test.each([
  { outcome: 'offline', rings: true },
  { outcome: 'waiting', rings: true },
  { outcome: 'level', rings: false },
  { outcome: 'needs-auth', rings: false },
])(
  'CAP33 an alarm after which the device is $outcome with an unsent entry rings again: $rings',
  async ({ outcome, rings }) => {
    const device = {
      syncNow: async () => outcome,
      status: async () => ({ unsent: 1 }),
      replica: { flush: async () => undefined },
    };
    const devices = {
      use: async (_scope: unknown, body: (it: unknown) => unknown) => body(device),
    } as unknown as Devices;
    const memory = { session: async () => ({ ...SCOPE, url: '/' }) } as unknown as WorkerMemory;
    const ringing = createSender({ devices, memory, setAlarm: async () => undefined }).onAlarm();
    await (rings ? expect(ringing).rejects.toThrow('1 entries are not sent yet') : ringing);
  },
);
