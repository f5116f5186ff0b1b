import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { plantInto } from './bug.ts';
import { OPEN_BUGS, PLANTED_BUGS } from './bugs.ts';
import { FOUND_SEEDS } from './found-seeds.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

test.each([...PLANTED_BUGS, ...OPEN_BUGS].map((bug) => [bug.name, bug] as const))('HOUSE planted bug %s: its text is in production code once', (_name, bug) => {
  const source = readFileSync(root + bug.file, 'utf8');
  expect(plantInto(source, bug)).not.toBe(source);
});

test('HOUSE planted bugs: at least 40, each with a name of its own and with a seed that finds it', () => {
  const names = PLANTED_BUGS.map(({ name }) => name);
  expect(names.length).toBeGreaterThanOrEqual(40);
  expect(new Set(names).size).toBe(names.length);
  expect(Object.keys(FOUND_SEEDS).toSorted()).toEqual(names.toSorted());
});

test('HOUSE planted bugs: a text that is gone, or there twice, is told', () => {
  const bug = { name: 'x', file: 'f', find: 'a', replace: 'b', why: '' };
  expect(plantInto('cad', bug)).toBe('cbd');
  expect(() => plantInto('cd', bug)).toThrow('0 times');
  expect(() => plantInto('aa', bug)).toThrow('2 times');
});
