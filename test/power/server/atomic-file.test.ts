import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';

import { createScratch } from '../../platform/parts/scratch.ts';
import { startServerProcess } from '../../platform/server-process.ts';
import { createPowerCutDisk } from '../power-cut.ts';

const scratch = createScratch();
afterEach(() => scratch.end());

const MODULE = fileURLToPath(new URL('../../../server/spaces/atomic-file.ts', import.meta.url));

test('SYNC4 LOG18 a key or canary file is there after a power cut, with the folders made for it, on a disk that keeps only synced names', async () => {
  const disk = await createPowerCutDisk({ folder: scratch.folder('disk'), names: 'posix' });
  const program = `import { writeFileAtomically } from ${JSON.stringify(MODULE)};
    await writeFileAtomically('data/canary/space.json', 'one');
    await writeFileAtomically('data/canary/space.json', 'two');
    console.log('done'); setInterval(() => {}, 1000);`;
  const child = await startServerProcess({
    command: ['node', '--input-type=module', '-e', program],
    cwd: disk.folder,
    env: disk.env,
    ready: (line) => (line === 'done' ? 1 : null),
  });
  scratch.use(child, (it) => it.kill());
  await disk.cut(child.pid);
  expect(readFileSync(join(disk.folder, 'data/canary/space.json'), 'utf8')).toBe('two');
});
