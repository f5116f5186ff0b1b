import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

/**
 * The import arrows of docs/architecture.md, written down a second time, apart from the linter's configuration: for every
 * folder, what it may import. Whatever is not listed must be refused. So no arrow can rot silently.
 */
const NODE = ['node:fs', 'node:crypto'];
const CORE = ['core/log/x.ts', 'core/protocol/x.ts', 'core/views/x.ts', 'core/engine/x.ts'];
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'core/log/it.ts': ['core/log/x.ts'],
  'core/protocol/it.ts': ['core/log/x.ts', 'core/protocol/x.ts'],
  'core/views/it.ts': ['core/log/x.ts', 'core/views/x.ts'],
  'core/engine/it.ts': CORE,
  'sw/it.ts': [
    ...CORE,
    'sw/index.ts',
    'sw/worker.ts',
    'sw/worker-with-fallback.ts',
    'sw/x.ts',
    'sw/events/x.ts',
    'sw/capture/x.ts',
    'sw/crypto/x.ts',
    'sw/storage/x.ts',
    'sw/storage/indexeddb-row-store.ts',
  ],
  'sw/events/it.ts': [
    ...CORE,
    'sw/x.ts',
    'sw/events/x.ts',
    'sw/capture/x.ts',
    'sw/crypto/x.ts',
    'sw/storage/x.ts',
    'workbox-background-sync',
  ],
  'sw/capture/it.ts': [
    ...CORE,
    'sw/x.ts',
    'sw/capture/x.ts',
    'sw/crypto/x.ts',
    'sw/storage/x.ts',
    'workbox-strategies',
  ],
  'sw/storage/it.ts': [
    ...CORE,
    'sw/x.ts',
    'sw/crypto/x.ts',
    'sw/storage/x.ts',
    'sw/storage/indexeddb-row-store.ts',
    'idb',
  ],
  'sw/crypto/it.ts': [...CORE, 'sw/x.ts', 'sw/crypto/x.ts', '@noble/ed25519', '@noble/hashes', '@noble/hashes/sha2.js'],
  'client/it.ts': [...CORE, 'client/x.ts', 'workbox-window'],
  'server/it.ts': [
    ...CORE,
    ...NODE,
    'server/index.ts',
    'server/cli.ts',
    'server/x.ts',
    'server/crypto/x.ts',
    'server/routes/x.ts',
    'server/push/x.ts',
    'server/device/x.ts',
    'server/storage/x.ts',
    'server/storage/sqlite-row-store.ts',
    'pino',
  ],
  'server/index.ts': [
    ...CORE,
    ...NODE,
    'server/index.ts',
    'server/cli.ts',
    'server/x.ts',
    'server/crypto/x.ts',
    'server/routes/x.ts',
    'server/push/x.ts',
    'server/device/x.ts',
    'server/storage/x.ts',
    'server/storage/sqlite-row-store.ts',
    'pino',
    'express',
  ],
  'server/routes/it.ts': [
    ...CORE,
    ...NODE,
    'server/x.ts',
    'server/crypto/x.ts',
    'server/routes/x.ts',
    'server/push/x.ts',
    'server/storage/x.ts',
    'express',
    'ipaddr.js',
  ],
  'server/push/it.ts': [
    ...CORE,
    ...NODE,
    'server/x.ts',
    'server/crypto/x.ts',
    'server/push/x.ts',
    'server/storage/x.ts',
    'web-push',
    'ipaddr.js',
  ],
  'server/storage/it.ts': [
    ...CORE,
    ...NODE,
    'server/x.ts',
    'server/crypto/x.ts',
    'server/storage/x.ts',
    'server/storage/sqlite-row-store.ts',
    'node:sqlite',
  ],
  'server/crypto/it.ts': [...CORE, ...NODE, 'server/x.ts', 'server/crypto/x.ts'],
  'server/device/it.ts': [
    ...CORE,
    ...NODE,
    'server/x.ts',
    'server/crypto/x.ts',
    'server/device/x.ts',
    'server/storage/x.ts',
    'server/storage/sqlite-row-store.ts',
  ],
  'examples/site/it.ts': [...NODE, 'express', 'wakelog/server', 'wakelog/device', 'examples/x/x.ts'],
};

/** The composition roots: wired by nobody, and imported by no folder that they wire. */
const ROOTS = ['sw/index.ts', 'sw/worker.ts', 'sw/worker-with-fallback.ts', 'server/index.ts', 'server/cli.ts'];

const BANNED_IN_CORE = [
  'Date.now()',
  'new Date()',
  'performance.now()',
  'setTimeout(() => undefined, 1)',
  'setInterval(() => undefined, 1)',
  'crypto.subtle',
  'Math.random()',
  'fetch("/")',
  'indexedDB.open("x")',
  'navigator.onLine',
  'console.log("x")',
  'localStorage.length',
  'new BroadcastChannel("x")',
  'process.env',
  'globalThis.Date',
  'self.crypto',
];

interface Finding {
  readonly rule: string;
  readonly line: number;
}

const repository = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'wakelog-house-'));
let findingsByFile: Map<string, Finding[]>;

function write(path: string, lines: readonly string[]): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), `${lines.join('\n')}\n`);
}

function dependencies(): string[] {
  const manifest = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  return Object.keys(manifest.dependencies);
}

/** Everything that some file could import: all folders, all engines, all libraries, some of Node. */
function everything(): string[] {
  const allowedSomewhere = Object.values(MAY_IMPORT).flat();
  return [...new Set([...allowedSomewhere, ...dependencies(), ...ROOTS, 'test/x.ts', 'test/unit/x.ts'])];
}

/** How a file names a target: packages as they are, our own files relative to it. */
function specifier(from: string, target: string): string {
  if (!/^(core|sw|client|server|test|examples)\//.test(target)) return target;
  const relative = posix.relative(posix.dirname(from), target);
  return relative.startsWith('.') ? relative : `./${relative}`;
}

function lint(): Map<string, Finding[]> {
  const oxlint = join(repository, 'node_modules/.bin/oxlint');
  const { stdout, stderr } = spawnSync(oxlint, ['--format', 'json', '.'], { cwd: folder, encoding: 'utf8' });
  const report = JSON.parse(stdout || stderr) as {
    diagnostics: { code: string; filename: string; labels: { span: { line: number } }[] }[];
  };
  const found = new Map<string, Finding[]>();
  for (const { code, filename, labels } of report.diagnostics) {
    const rule = /\((.*)\)/.exec(code)?.[1] ?? code;
    const file = filename.replaceAll('\\', '/');
    found.set(file, [...(found.get(file) ?? []), { rule, line: labels[0]?.span.line ?? 0 }]);
  }
  return found;
}

function linesOf(file: string, ...rules: string[]): number[] {
  const lines = (findingsByFile.get(file) ?? []).filter(({ rule }) => rules.includes(rule)).map(({ line }) => line);
  return [...new Set(lines)].toSorted((a, b) => a - b);
}

beforeAll(() => {
  copyFileSync(join(repository, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
  // The linter finds its type-aware half, and our packages, where they are installed.
  symlinkSync(join(repository, 'node_modules'), join(folder, 'node_modules'));
  const options = { strict: true, target: 'es2023', lib: ['es2023', 'dom'], module: 'nodenext', noEmit: true };
  write('tsconfig.json', [JSON.stringify({ compilerOptions: options, include: ['**/*.ts'] })]);
  for (const file of Object.keys(MAY_IMPORT)) {
    write(
      file,
      everything().map((target, index) => `export { a as a${index} } from '${specifier(file, target)}';`),
    );
  }
  write('core/log/globals.ts', [
    ...BANNED_IN_CORE.map((expression, index) => `export const a${index} = ${expression};`),
    'export const harmless = Math.max(1, 2);',
  ]);
  write('core/log/dynamic.ts', [`export const a = import('../engine/x.ts');`]);
  write('core/views/cycle-a.ts', [`import { b } from './cycle-b.ts';`, 'export const a = () => b;']);
  write('core/views/cycle-b.ts', [`import { a } from './cycle-a.ts';`, 'export const b = () => a;']);
  write('client/promise.ts', ['const wait = async (): Promise<void> => {};', 'wait();', 'void wait();']);
  write('client/default.ts', ['export default 1;']);
  write('some.config.ts', ['export default 1;']);
  write('client/camelCase.ts', ['export const a = 1;']);
  findingsByFile = lint();
});

afterAll(() => rmSync(folder, { recursive: true }));

test.each(Object.entries(MAY_IMPORT))('HOUSE %s imports what its arrows allow and nothing else', (file, allowed) => {
  const refused = new Set(linesOf(file, 'no-restricted-imports'));
  const passed = everything().filter((_, index) => !refused.has(index + 1));
  expect(passed.toSorted()).toEqual([...allowed].toSorted());
});

test('HOUSE every library that the product depends on has a door', () => {
  const allowedSomewhere = new Set(Object.values(MAY_IMPORT).flat());
  expect(dependencies().filter((name) => !allowedSomewhere.has(name))).toEqual([]);
});

test('HOUSE core is refused every global that does I/O, tells time or makes randomness', () => {
  const refused = linesOf('core/log/globals.ts', 'no-restricted-globals', 'no-restricted-properties');
  expect(refused).toEqual(BANNED_IN_CORE.map((_, index) => index + 1));
});

test('HOUSE an arrow cannot be passed by a dynamic import', () => {
  expect(linesOf('core/log/dynamic.ts', 'no-restricted-imports')).toEqual([1]);
});

test('HOUSE cycles, floating promises, default exports outside tool configurations and other file names are refused', () => {
  expect(linesOf('core/views/cycle-a.ts', 'no-cycle')).toEqual([1]);
  expect(linesOf('client/promise.ts', 'no-floating-promises')).toEqual([2]);
  expect(linesOf('client/default.ts', 'no-default-export')).toEqual([1]);
  expect(linesOf('some.config.ts', 'no-default-export')).toEqual([]);
  expect(linesOf('client/camelCase.ts', 'filename-case')).toHaveLength(1);
});
