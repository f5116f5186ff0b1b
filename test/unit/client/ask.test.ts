import { afterEach, expect, test } from 'vitest';

import { createAsker } from '../../../client/engine/ask.ts';
import type { Asker } from '../../../client/engine/ask.ts';
import { createWorkerDouble } from './worker-double.ts';
import type { WorkerDouble } from './worker-double.ts';

const scope = { account: 'a', space: 's' };
const ends: (() => void)[] = [];

function open(
  timeLimitsMs: readonly number[],
  double: WorkerDouble = createWorkerDouble(scope),
): { asker: Asker; double: WorkerDouble } {
  const asker = createAsker(() => double, timeLimitsMs);
  ends.push(double.close);
  return { asker, double };
}

afterEach(() => {
  for (const end of ends.splice(0)) end();
});

test('PAGE2 a request that is not answered in time is sent again, an append under the same attempt', async () => {
  const { asker, double } = open([10, 10, 5_000]);
  double.answer('append', () => (double.asked.length < 3 ? undefined : { ok: [{ id: 'i', log: 'l', sequence: 4 }] }));
  const appended = asker.ask('append', { ...scope, attempt: 'one', drafts: [] });
  await expect(appended).resolves.toEqual([{ id: 'i', log: 'l', sequence: 4 }]);
  expect(double.asked.map(({ ask }) => 'attempt' in ask && ask.attempt)).toEqual(['one', 'one', 'one']);
});

test('PAGE2 when another worker takes over, what is unanswered goes to it at once, not after the time limit', async () => {
  const first = createWorkerDouble(scope);
  const second = createWorkerDouble(scope);
  ends.push(first.close, second.close);
  let inCharge = first;
  const asker = createAsker(() => inCharge, [60_000]);
  const answer = asker.ask('item', { ...scope, key: 'k' });
  second.answer('item', () => ({ ok: null }));
  inCharge = second;
  asker.again();
  await expect(answer).resolves.toBeNull();
  expect(first.asked).toEqual(second.asked);
});

test('PAGE2 a late answer to an earlier sending counts', async () => {
  const double = createWorkerDouble(scope);
  ends.push(double.close);
  const ports: MessagePort[] = [];
  const asker = createAsker(
    () => ({ postMessage: (_message, [port]) => void ports.push(port as MessagePort) }),
    [5, 60_000],
  );
  const answer = asker.ask('alive', scope);
  await expect.poll(() => ports.length).toBe(2);
  ports[0]?.postMessage({ ok: null });
  await expect(answer).resolves.toBeNull();
});

test('PAGE2 no worker at all: the request fails with `busy` after its last time limit', async () => {
  const asker = createAsker(() => null, [5, 5]);
  await expect(asker.ask('alive', scope)).rejects.toMatchObject({ name: 'PageError', code: 'busy' });
});

test('PAGE2 a worker that is busy is asked again, any other refusal is passed on at once', async () => {
  const { asker, double } = open([5, 60_000]);
  double.answer('status', () =>
    double.asked.length === 1 ? { error: 'busy', message: 'later' } : { error: 'storage-full', message: 'no room' },
  );
  await expect(asker.ask('status', scope)).rejects.toMatchObject({ code: 'storage-full', message: 'no room' });
  expect(double.asked).toHaveLength(2);
});

test('PAGE2 closing rejects what is unanswered', async () => {
  const { asker } = open([60_000]);
  const answer = asker.ask('alive', scope);
  asker.close();
  await expect(answer).rejects.toMatchObject({ code: 'busy' });
});
