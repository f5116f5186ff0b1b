import { expect, test } from 'vitest';

import { toRibbonNote } from '../../../client/ribbon/ribbon-note.ts';
import type { RibbonFacts, RibbonText } from '../../../client/ribbon/ribbon-note.ts';
import type { PageStatus } from '../../../core/protocol/page-messages.ts';
import { STATUS } from './worker-double.ts';

function note(status: Partial<PageStatus>, facts: Partial<RibbonFacts> = {}): string | undefined {
  const made = toRibbonNote({
    status: { ...STATUS, ...status },
    stale: false,
    newVersion: false,
    dismissed: new Set(),
    ...facts,
  });
  return made && `${made.text} → ${made.action}`;
}

test('PAGE6 the ribbon says one thing, the most useful first, and nothing when all is well', () => {
  expect(note({})).toBeUndefined();
  expect(note({ updatesReady: 1 })).toBe('text-one → accept');
  expect(note({ updatesReady: 2, connection: 'needs-auth', atRisk: 'full' }, { stale: true, newVersion: true })).toBe(
    'text-many → accept',
  );
  expect(note({ connection: 'needs-auth' }, { stale: true, newVersion: true })).toBe('text-changed → reload');
  expect(note({ connection: 'needs-auth' }, { newVersion: true })).toBe('text-version → reload');
  expect(note({ updateNeeded: true })).toBe('text-version → reload');
  expect(note({ connection: 'needs-auth', atRisk: 'full' })).toBe('text-sign-in → sign-in');
});

test('PAGE6 storage that may be cleared is mentioned only while unsent changes lie in it, and not again once put away', () => {
  expect(note({ atRisk: 'evictable' })).toBeUndefined();
  expect(note({ atRisk: 'evictable', unsent: 3 })).toBeUndefined();
  const waiting: Partial<PageStatus> = { atRisk: 'evictable', unsent: 3, connection: 'offline' };
  expect(note(waiting)).toBe('text-evictable → dismiss');
  expect(note(waiting, { dismissed: new Set<RibbonText>(['text-evictable']) })).toBeUndefined();
});
