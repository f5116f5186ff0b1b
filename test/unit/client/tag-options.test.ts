import { expect, test } from 'vitest';

import { readTag } from '../../../client/tag-options.ts';

test('PAGE9 a bare script tag: the routes lie beside the script, updates wait under the ribbon, nothing is captured', () => {
  expect(readTag({}, 'https://site.example/wakelog/wakelog.js?v=3')).toEqual({
    account: 'anonymous',
    space: 'default',
    updates: 'hold',
    mount: '/wakelog',
    capture: [],
    shell: false,
    notification: {},
  });
});

test('PAGE9 every attribute has its effect', () => {
  const data = {
    account: 'ann',
    space: 'team',
    updates: 'live',
    mount: '/deep/down/',
    capture: ' /api/tasks, /api/notes/ ,,',
    shell: '',
    notificationTitle: 'Tasks',
    notificationBody: '{count} new',
    other: 'ignored',
  };
  expect(readTag(data, 'https://site.example/x.js')).toEqual({
    account: 'ann',
    space: 'team',
    updates: 'live',
    mount: '/deep/down',
    capture: ['/api/tasks', '/api/notes'],
    shell: true,
    notification: { title: 'Tasks', body: '{count} new' },
  });
  expect(readTag({ shell: 'off', updates: 'nonsense' }, 'https://site.example/x.js')).toMatchObject({
    shell: false,
    updates: 'hold',
    mount: '',
  });
});
