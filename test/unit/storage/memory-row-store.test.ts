import { expect, test } from 'vitest';
import { createMemoryRowStore } from '../../../core/log/memory-row-store.ts';
import type { RunRow } from '../../../core/log/row-store.ts';

function runRow(first: number, count: number, length: number): RunRow {
  return { log: 'a log', first, count, lastId: new Uint8Array(32), bytes: new Uint8Array(length).fill(first) };
}

test('LOG13 a body that throws undoes every kind of change, replaced and deleted rows included', async () => {
  const rows = createMemoryRowStore();
  const head = { log: 'a log', floor: 0, sequence: 5, id: new Uint8Array(32), lamport: 1, looseFrom: 0, looseRows: 2 };
  const arrival = { position: 1, log: 'a log', first: 0, last: 5, bytes: 9 };
  await rows.write('strict', async (tx) => {
    await tx.putHead(head);
    await tx.putRun(runRow(0, 3, 10));
    await tx.putRun(runRow(3, 3, 10));
    await tx.putArrival(arrival);
    await tx.putValue('a', 'b');
  });
  const failing = rows.write('strict', async (tx) => {
    await tx.putHead({ ...head, sequence: 9 });
    await tx.putHead({ ...head, log: 'another' });
    await tx.putRun(runRow(0, 3, 20));
    await tx.deleteRun('a log', 3);
    await tx.putRun(runRow(3, 1, 5));
    await tx.putArrival({ ...arrival, position: 2 });
    await tx.putQuarantined({ log: 'a log', first: 0, lastId: new Uint8Array(32), bytes: new Uint8Array(4) });
    await tx.putValue('a', undefined);
    await tx.putValue('c', 'd');
    await tx.deleteHead('a log');
    throw new Error('on purpose');
  });
  await expect(failing).rejects.toThrow('on purpose');
  await rows.read(async (tx) => {
    expect(await tx.heads()).toEqual([head]);
    expect(await tx.runs('a log', 0, 9, 1_000)).toEqual([runRow(0, 3, 10), runRow(3, 3, 10)]);
    expect(await tx.arrivalsAfter(0, 9)).toEqual([arrival]);
    expect(await tx.quarantined()).toEqual([]);
    expect([await tx.value('a'), await tx.value('c')]).toEqual(['b', undefined]);
  });
});

test('LOG18 room that an undone or deleted row took is free again', async () => {
  const rows = createMemoryRowStore({ maxBytes: 100 });
  await rows.write('strict', (tx) => tx.putRun(runRow(0, 1, 60)));
  for (let i = 0; i < 3; i++) {
    await expect(rows.write('strict', (tx) => tx.putRun(runRow(1, 1, 60)))).rejects.toMatchObject({
      name: 'StorageFull',
    });
  }
  await rows.write('strict', (tx) => tx.putRun(runRow(0, 1, 40)));
  await rows.write('strict', (tx) => tx.putRun(runRow(1, 1, 60)));
  await rows.write('strict', (tx) => tx.deleteRun('a log', 0));
  await rows.write('strict', (tx) => tx.putRun(runRow(0, 1, 40)));
});

test('LOG19 a closed store answers StorageGone', async () => {
  const rows = createMemoryRowStore();
  await rows.close();
  await expect(rows.read((tx) => tx.heads())).rejects.toMatchObject({ name: 'StorageGone' });
  await expect(rows.write('strict', (tx) => tx.putValue('a', 'b'))).rejects.toMatchObject({ name: 'StorageGone' });
});
