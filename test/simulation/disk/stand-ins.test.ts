import fc from 'fast-check';
import { IDBFactory, IDBKeyRange as Range } from 'fake-indexeddb';
import { expect, test } from 'vitest';
import { cloneStored } from './clone.ts';
import { compareKeys, createSortedRecords } from './sorted-records.ts';

/*
 * What stands in for parts of fake-indexeddb and of Node does what they do.
 */

const key: fc.Arbitrary<IDBValidKey> = fc.letrec<{ key: IDBValidKey }>((tie) => ({
  key: fc.oneof(
    { maxDepth: 2 },
    fc.integer({ min: -3, max: 6 }),
    fc.double({ noNaN: true }),
    fc.string({ unit: 'grapheme', maxLength: 3 }),
    fc.constantFrom('a', 'b', '\uffff', '😀'),
    fc.date({ noInvalidDate: true }),
    fc.uint8Array({ maxLength: 2 }).map((bytes) => new Uint8Array(bytes).buffer),
    fc.array(tie('key'), { maxLength: 3 }),
  ),
})).key;

test('S1.1 keys are ordered as IndexedDB orders them', () => {
  const factory = new IDBFactory();
  fc.assert(
    fc.property(key, key, (a, b) => {
      expect(Math.sign(compareKeys(a, b))).toBe(factory.cmp(a, b));
      expect(compareKeys(a, a)).toBe(0);
    }),
    { numRuns: 3_000 },
  );
});

test('S1.1 records are put, found, ranged over, deleted and committed as in a plain list', () => {
  const smallKey = fc.oneof(
    fc.integer({ min: 0, max: 9 }),
    fc.tuple(fc.constant('log'), fc.integer({ min: 0, max: 5 })),
  );
  const range = fc
    .tuple(smallKey, smallKey, fc.boolean(), fc.boolean())
    .filter(([a, b, ...open]) => compareKeys(a, b) < 0 || (compareKeys(a, b) === 0 && !open.includes(true)))
    .map(([a, b, lowerOpen, upperOpen]) => Range.bound(a, b, lowerOpen, upperOpen));
  const anything = fc.oneof(
    smallKey,
    range,
    smallKey.map((from) => Range.lowerBound(from)),
  );
  const step = fc.oneof(
    fc.record({ put: smallKey, noOverwrite: fc.boolean() }),
    fc.record({ delete: anything }),
    fc.record({ get: anything }),
    fc.record({ clear: fc.constant(true) }),
    fc.record({ settle: fc.constant(true) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), anything, (steps, last) => {
      const records = createSortedRecords();
      let list: { readonly key: IDBValidKey; readonly value: unknown }[] = [];
      let committed = list;
      const isIn = (candidate: IDBValidKey, wanted: unknown): boolean =>
        wanted instanceof Range ? wanted.includes(candidate) : compareKeys(candidate, wanted as IDBValidKey) === 0;
      for (const [i, step] of steps.entries()) {
        if ('put' in step) {
          const there = list.find((record) => isIn(record.key, step.put));
          const record = { key: step.put, value: `value ${i}` };
          if (there !== undefined && step.noOverwrite) expect(() => records.put(record, true)).toThrow(DOMException);
          else {
            expect(records.put(record, step.noOverwrite)).toBe(there);
            list = [...list.filter((other) => other !== there), record].toSorted((a, b) => compareKeys(a.key, b.key));
          }
        } else if ('delete' in step) {
          expect(records.delete(step.delete)).toEqual(list.filter((record) => isIn(record.key, step.delete)));
          list = list.filter((record) => !isIn(record.key, step.delete));
        } else if ('get' in step) {
          expect(records.get(step.get)).toBe(list.find((record) => isIn(record.key, step.get)));
        } else if ('clear' in step) {
          expect(records.clear()).toEqual(list);
          list = [];
        } else {
          records.settle();
          committed = list;
        }
      }
      expect([...records.values()]).toEqual(list);
      expect(records.size()).toBe(list.length);
      expect(records.committed()).toEqual(committed);
      expect(createSortedRecords(list).bytes()).toBe(records.bytes());
      if (!(last instanceof Range)) return;
      const wanted = list.filter((record) => isIn(record.key, last));
      expect([...records.values(last)]).toEqual(wanted);
      expect([...records.values(last, 'prev')]).toEqual(wanted.toReversed());
    }),
    { numRuns: 500 },
  );
});

test('S1.1 values are copied as structuredClone copies them, down to their buffers', () => {
  const bytes = fc.uint8Array({ maxLength: 5 }).map((array) => new Uint8Array(array));
  const value = fc.oneof(
    fc.anything({
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withSparseArray: true,
      withBigInt: true,
    }),
    bytes,
    bytes.map((whole) => whole.subarray(1)),
    bytes.map((piece) => ({ piece, more: 0, text: 'ü', nothing: undefined, none: null })),
    bytes.map((inner) => [inner, [inner]]),
  );
  fc.assert(
    fc.property(value, (value) => {
      const [mine, theirs] = [cloneStored(value), structuredClone(value)];
      expect(mine).toStrictEqual(theirs);
      if (mine instanceof Uint8Array && value instanceof Uint8Array && theirs instanceof Uint8Array) {
        expect(mine.buffer).not.toBe(value.buffer);
        expect([mine.byteOffset, mine.buffer.byteLength]).toEqual([theirs.byteOffset, theirs.buffer.byteLength]);
      }
    }),
    { numRuns: 2_000 },
  );
  const circle: unknown[] = [];
  circle.push(circle);
  expect((cloneStored(circle)[0] as unknown[])[0]).not.toBe(circle);
  expect(() => cloneStored({ a: () => undefined })).toThrow('could not be cloned');
});
