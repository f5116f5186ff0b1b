import { expect, test } from 'vitest';

import { createWritable } from '../../../client/readable.ts';

test('PAGE4 followers are told once for each change, also when one leaves or comes meanwhile', () => {
  const value = createWritable(0);
  const told: string[] = [];
  const stopB: (() => void)[] = [];
  value.subscribe((now) => {
    told.push(`a${now}`);
    if (now === 1) stopB[0]?.();
    if (now === 2) value.subscribe((late) => told.push(`c${late}`));
  });
  stopB.push(value.subscribe((now) => told.push(`b${now}`)));
  value.set(1);
  value.set(1);
  value.set(2);
  expect(told).toEqual(['a0', 'b0', 'a1', 'a2', 'c2']);
});

test('PAGE4 the same function subscribed twice is two followers, and work goes on exactly while there is one', () => {
  const log: string[] = [];
  const value = createWritable('x', () => {
    log.push('start');
    return () => log.push('stop');
  });
  const fn = (): void => void log.push('told');
  const stops = [value.subscribe(fn), value.subscribe(fn)];
  value.set('y');
  stops[0]?.();
  stops[0]?.();
  value.set('z');
  stops[1]?.();
  value.subscribe(fn);
  expect(log).toEqual(['start', 'told', 'told', 'told', 'told', 'told', 'stop', 'start', 'told']);
});
