import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HELP, parseCommand } from '../../../server/cli/arguments.ts';
import { JSON_HEADERS, send } from './http.ts';
import { makeFolder } from './start-server.ts';

const program = fileURLToPath(new URL('../../../server/cli.ts', import.meta.url));
let folder: Awaited<ReturnType<typeof makeFolder>>;

beforeAll(async () => {
  folder = await makeFolder();
});

afterAll(() => folder.remove());

interface Run {
  readonly child: ChildProcess;
  readonly output: { stdout: string; stderr: string };
  readonly ended: Promise<number | null>;
  /** Resolves when something printed matches. */
  readonly until: (pattern: RegExp) => Promise<RegExpExecArray>;
}

function run(...args: readonly string[]): Run {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  const listeners = new Set<() => void>();
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.on('data', (text: Buffer) => {
      output[stream] += text.toString();
      for (const listener of listeners) listener();
    });
  }
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return {
    child,
    output,
    ended,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = pattern.exec(output.stdout + output.stderr);
          if (found !== null) resolve(found);
        };
        listeners.add(look);
        look();
        void ended.then(() => reject(new Error(`ended without ${pattern}:\n${output.stdout}${output.stderr}`)));
      }),
  };
}

test('CAP8 arguments: help names every option, mistakes are told in a sentence', () => {
  for (const [args, message] of [
    [[], 'what to do?'],
    [['deploy'], 'there is no command "deploy"'],
    [['serve', 'now'], 'there is no command "serve now"'],
    [['serve', '--port', 'x'], '--port is a number'],
    [['serve', '--port', '65536'], '--port is a number'],
    [['serve', '--prot', '1'], "Unknown option '--prot'"],
    [['serve', '--max-live', '-1'], 'max-live'],
  ] as const) {
    const command = parseCommand(args);
    expect(command).toMatchObject({ kind: 'wrong', message: expect.stringContaining(message) as string });
  }
  for (const name of [
    'port',
    'host',
    'data',
    'static',
    'collection',
    'space',
    'mount',
    'hooks',
    'allow-host',
    'push-origin',
    'vapid-subject',
    'max-live',
    'off',
    'json-log',
    'version',
    'help',
  ]) {
    expect(HELP).toContain(`--${name}`);
  }
  expect(parseCommand(['serve', '--collection', '/a', '--collection', '/b'])).toMatchObject({
    port: 8080,
    host: '127.0.0.1',
    collections: ['/a', '/b'],
  });
  expect(parseCommand(['--help', 'serve'])).toEqual({ kind: 'help' });
});

test('CAP8 the server prints its address, serves routes and site, stops in order at a signal and keeps what it has', async () => {
  const site = join(folder.path, 'site');
  await mkdir(site);
  await writeFile(join(site, 'index.html'), '<title>a site</title>');
  const args = [
    'serve',
    '--port',
    '0',
    '--data',
    join(folder.path, 'data'),
    '--collection',
    '/api/tasks',
    '--static',
    site,
  ];
  const first = run(...args);
  const [, url = ''] = await first.until(/ready: (http:\/\/127\.0\.0\.1:\d+) /);
  expect((await send(`${url}/api/tasks`, { method: 'POST', headers: JSON_HEADERS, body: '{"id":"a"}' })).status).toBe(
    201,
  );
  expect((await send(url)).body.toString()).toContain('a site');
  expect((await send(`${url}/..%2f..%2fetc%2fpasswd`)).status).toBeGreaterThanOrEqual(400);
  expect((await send(`${url}/healthz`)).body.toString()).toBe('{"ok":true,"live":0,"openSpaces":1}');
  expect(first.output.stderr).toContain('open: there is no `authorize`');
  first.child.kill('SIGTERM');
  expect(await first.ended).toBe(0);
  const second = run(...args, '--json-log');
  const [line] = await second.until(/^\{.*"url".*\}$/m);
  const { url: again, msg } = JSON.parse(line) as { url: string; msg: string };
  expect(msg).toBe('ready');
  expect((await send(`${again}/api/tasks`)).body.toString()).toBe('[{"id":"a"}]');
  second.child.kill('SIGINT');
  expect(await second.ended).toBe(0);
});

test('CAP5 CAP8 an open server listens on loopback only; hooks that export authorize close it', async () => {
  const refused = run('serve', '--host', '0.0.0.0', '--port', '0', '--data', join(folder.path, 'never'));
  expect(await refused.ended).toBe(1);
  expect(refused.output.stderr).toContain('listens on loopback only, not on 0.0.0.0');
  const hooks = join(folder.path, 'hooks.mjs');
  await writeFile(hooks, 'export const authorize = () => undefined;');
  const closed = run(
    'serve',
    '--host',
    '0.0.0.0',
    '--port',
    '0',
    '--data',
    join(folder.path, 'closed'),
    '--hooks',
    hooks,
    '--collection',
    '/api/tasks',
  );
  const [, port = ''] = await closed.until(/http:\/\/0\.0\.0\.0:(\d+)/);
  expect((await send(`http://127.0.0.1:${port}/api/tasks`)).status).toBe(401);
  closed.child.kill('SIGTERM');
  expect(await closed.ended).toBe(0);
  await writeFile(hooks, 'export const authorise = () => undefined;');
  const mistaken = run('serve', '--hooks', hooks, '--data', join(folder.path, 'never'));
  expect(await mistaken.ended).toBe(1);
  expect(mistaken.output.stderr).toContain('has to export a function authorize(request)');
});

test('CAP8 version and help end with 0, a wrong command with 2, a port that is taken with 1 and in a sentence', async () => {
  const [version, help, wrong] = [run('--version'), run('--help'), run('serve', '--nothing')];
  expect([await version.ended, await help.ended, await wrong.ended]).toEqual([0, 0, 2]);
  expect(version.output.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(help.output.stdout).toContain('usage: wakelog serve');
  expect(wrong.output.stderr).toContain('Try: wakelog --help');
  const first = run('serve', '--port', '0', '--data', join(folder.path, 'one'));
  const [, port = ''] = await first.until(/ready: http:\/\/127\.0\.0\.1:(\d+) /);
  const second = run('serve', '--port', port, '--data', join(folder.path, 'two'));
  expect(await second.ended).toBe(1);
  expect(second.output.stderr).toContain(`port ${port} of 127.0.0.1 is taken`);
  first.child.kill('SIGTERM');
  expect(await first.ended).toBe(0);
});
