import { afterEach, expect, test } from 'vitest';

import { createAsker } from '../../../client/engine/ask.ts';
import { openSession } from '../../../client/engine/worker-session.ts';
import type { SessionOptions, WorkerSession } from '../../../client/engine/worker-session.ts';
import type { Change } from '../../../client/engine/page-engine.ts';
import { STATUS, createWorkerDouble } from './worker-double.ts';
import type { WorkerDouble } from './worker-double.ts';

let number = 0;
const ends: (() => void)[] = [];

afterEach(() => {
  for (const end of ends.splice(0)) end();
});

interface Open {
  readonly double: WorkerDouble;
  readonly session: WorkerSession;
  readonly changes: Change[];
  readonly types: () => string[];
}

async function open(
  options: Partial<SessionOptions> = {},
  prepare = (_double: WorkerDouble): void => {},
): Promise<Open> {
  const scope = { account: 'a', space: `session-${++number}` };
  const double = createWorkerDouble(scope);
  double.answer('hello', () => ({ ok: STATUS }));
  double.answer('status', () => ({ ok: { ...STATUS, lastSynced: 2 } }));
  double.answer('sync', () => ({ ok: null }));
  prepare(double);
  const asker = createAsker(() => double, [60_000]);
  const session = await openSession({ ask: asker.ask, scope, updates: 'hold', auth: undefined, ...options });
  const changes: Change[] = [];
  session.follow((change) => changes.push(change));
  ends.push(session.close, double.close);
  return { double, session, changes, types: () => double.asked.map(({ wakelog }) => wakelog) };
}

test('PAGE3 hints in order name keys; a missing one makes everything read again', async () => {
  const { double, changes, types } = await open();
  double.hint({ life: 'x', count: 1, type: 'changed', keys: ['k1'], origin: 'own' });
  double.hint({ life: 'x', count: 2, type: 'changed', keys: ['k2'], origin: 'remote' });
  await expect.poll(() => changes).toMatchObject([{ keys: ['k1'] }, { keys: ['k2'] }]);
  expect(types()).toEqual(['hello']);
  double.hint({ life: 'x', count: 4, type: 'changed', keys: ['k4'], origin: 'own' });
  await expect.poll(() => changes.slice(2)).toMatchObject([{ keys: 'all' }, { keys: ['k4'] }]);
  expect(types()).toEqual(['hello', 'status']);
});

test('PAGE3 a worker that started anew is greeted again, as no fresh page, and everything is read again', async () => {
  const { double, changes } = await open();
  double.hint({ life: 'x', count: 7, type: 'changed', keys: ['k'], origin: 'own' });
  double.hint({ life: 'y', count: 1, type: 'changed', keys: ['l'], origin: 'own' });
  await expect.poll(() => changes).toMatchObject([{ keys: ['k'] }, { keys: 'all' }, { keys: ['l'] }]);
  const greetings = double.asked
    .filter(({ wakelog }) => wakelog === 'hello')
    .map(({ ask }) => 'fresh' in ask && ask.fresh);
  expect(greetings).toEqual([true, false]);
});

test('PAGE3 a hint that comes before the greeting is answered is not lost', async () => {
  const { changes, session } = await open({}, (double) => {
    double.answer('hello', () => {
      double.hint({ life: 'x', count: 1, type: 'status', status: { ...STATUS, updatesReady: 3 } });
      return { ok: STATUS };
    });
  });
  await expect.poll(() => session.status.getSnapshot().updatesReady).toBe(3);
  expect(changes).toEqual([]);
});

test('PAGE3 fewer unsent entries in a status: marks are read again', async () => {
  const { double, changes, session } = await open();
  double.hint({ life: 'x', count: 1, type: 'status', status: { ...STATUS, unsent: 2 } });
  double.hint({ life: 'x', count: 2, type: 'status', status: { ...STATUS, unsent: 2, connection: 'offline' } });
  double.hint({ life: 'x', count: 3, type: 'status', status: { ...STATUS, unsent: 0 } });
  await expect.poll(() => changes).toEqual([{ keys: 'all' }, { keys: 'all' }]);
  expect(session.status.getSnapshot()).toEqual(STATUS);
});

test('PAGE10 needs-auth asks the hook once for many hints, greets with the new headers, then has the outbox sent', async () => {
  let asked = 0;
  const auth = (): Promise<Record<string, string>> => Promise.resolve({ authorization: `Bearer ${++asked}` });
  const { double } = await open({ auth });
  for (const count of [1, 2, 3]) double.hint({ life: 'x', count, type: 'needs-auth' });
  await expect.poll(() => double.asked.map(({ wakelog }) => wakelog)).toEqual(['hello', 'hello', 'sync']);
  expect(double.asked.map(({ ask }) => 'headers' in ask && ask.headers)).toEqual([
    { authorization: 'Bearer 1' },
    { authorization: 'Bearer 2' },
    false,
  ]);
});

test('PAGE10 a hook that fails keeps nobody from working and takes no headers away; it is asked at the next 401', async () => {
  let fails = true;
  const auth = (): Promise<Record<string, string>> =>
    fails ? Promise.reject(new Error('offline')) : Promise.resolve({ token: 't' });
  const { double } = await open({ auth });
  expect(double.asked.at(0)?.ask).toMatchObject({ headers: null, fresh: true });
  fails = false;
  double.hint({ life: 'x', count: 1, type: 'needs-auth' });
  await expect.poll(() => double.asked.at(1)?.ask).toMatchObject({ headers: { token: 't' }, fresh: false });
});

test('PAGE10 headers that a worker could not take are brought again when the page is looked at, and only then', async () => {
  const auth = async (): Promise<Record<string, string>> => ({ authorization: 'new' });
  const { double, session, types } = await open({ auth });
  double.answer('hello', () => ({ error: 'internal', message: 'its disk failed' }));
  double.hint({ life: 'x', count: 1, type: 'needs-auth' });
  await expect.poll(types).toEqual(['hello', 'hello']);
  await expect.poll(() => session.signIn().catch(() => 'failed')).toBe('failed');
  double.answer('hello', () => ({ ok: STATUS }));
  const before = types().length;
  session.readAgain();
  await expect.poll(() => types().slice(before).toSorted()).toEqual(['hello', 'status', 'sync']);
  session.readAgain();
  await expect.poll(() => types().slice(before + 3)).toEqual(['status']);
});
