import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from '@playwright/test';
import { build } from 'vite';

import { launchChromium } from '../../platform/chromium.ts';
import { needsChromium, test } from '../../platform/scenario.ts';
import type { Scratch } from '../../platform/parts/scratch.ts';
import type { ServerProcess } from '../../platform/server-process.ts';
import { startServerProcess } from '../../platform/server-process.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

/** The code under `<!-- example: name -->`. */
function example(name: string): string {
  const found = new RegExp(`<!-- example: ${name} -->\\n\`\`\`\\w+\\n([\\s\\S]*?)\\n\`\`\``).exec(README)?.[1];
  if (found === undefined) throw new Error(`the README has no example ${name}`);
  return found;
}

/** A folder as a user has it: `wakelog` installed, and nothing else. */
function userFolder(scratch: Scratch): string {
  const folder = scratch.folder('site');
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules', 'wakelog'), 'dir');
  symlinkSync(join(ROOT, 'node_modules', 'express'), join(folder, 'node_modules', 'express'), 'dir');
  return folder;
}

/** The README's own command, with a port and a data folder that disturb nobody. */
async function serve(scratch: Scratch, folder: string): Promise<ServerProcess> {
  const [npx, name, ...args] = example('serve').split(/\s+/);
  expect([npx, name]).toEqual(['npx', 'wakelog']);
  const bin = join(folder, 'node_modules', 'wakelog', 'bin', 'wakelog.mjs');
  const command = ['node', bin, ...args, '--port', '0', '--data', scratch.folder('data')] as const;
  return scratch.use(await startServerProcess({ command: [...command], cwd: folder }), (it) => it.kill());
}

function writePage(folder: string, ...scripts: string[]): void {
  mkdirSync(join(folder, 'public'));
  writeFileSync(join(folder, 'public', 'index.html'), `<!doctype html><html lang="en"><title>site</title><h1>Site</h1>${scripts.join('\n')}`);
}

test.describe('README', () => {
  test('S2.1 S2.8: the script tag and the fetch example work with the serve command, also with the server gone', async ({ scratch }) => {
    needsChromium();
    const folder = userFolder(scratch);
    writePage(folder, example('tag'));
    const server = await serve(scratch, folder);
    const browser = scratch.use(await launchChromium({ profile: scratch.folder('profile') }), (it) => it.close());
    const page = await browser.page(`http://localhost:${server.port}/`);
    await page.until('navigator.serviceWorker.controller !== null');
    const run = (code: string): string => `(async () => { ${code}\nreturn tasks.map(({ title }) => title); })()`;
    expect(await page.eval(run(example('fetch')))).toEqual(['Water the plants']);
    await server.kill();
    await page.goto(`http://localhost:${server.port}/`);
    expect(await page.eval(run(example('fetch')))).toEqual(['Water the plants', 'Water the plants']);
  });

  test('PAGE4: the connect example runs in a page', async ({ scratch }) => {
    needsChromium();
    const folder = userFolder(scratch);
    writeFileSync(join(folder, 'app.js'), `${example('connect')}\nwindow.unsent = wakelog.status.getSnapshot().unsent;\nwindow.titles = (await tasks.list()).map(({ value }) => value.title);\nstop();`);
    writePage(folder, '<script type="module" src="/app.js"></script>');
    const define = { 'process.env.NODE_ENV': '"production"' };
    const lib = { entry: join(folder, 'app.js'), formats: ['es' as const], fileName: () => 'app.js' };
    await build({ root: folder, configFile: false, logLevel: 'error', define, publicDir: false, build: { outDir: 'public', emptyOutDir: false, target: 'es2022', lib } });
    const server = await serve(scratch, folder);
    const browser = scratch.use(await launchChromium({ profile: scratch.folder('profile') }), (it) => it.close());
    const page = await browser.page(`http://localhost:${server.port}/`);
    await page.until('window.titles !== undefined');
    expect(await page.eval('window.titles')).toEqual(['Water them again']);
    expect(await page.eval('typeof window.unsent')).toBe('number');
  });

  test('CAP5: the server example answers those who signed in, and nobody else', async ({ scratch }) => {
    const folder = userFolder(scratch);
    const listen = `const server = app.listen(0, '127.0.0.1', () => console.log('http://127.0.0.1:' + server.address().port + '/'));`;
    writeFileSync(join(folder, 'server.mjs'), `const sessions = new Map([['session=1', 'ann']]);\n${example('server')}\n${listen}`);
    const server = scratch.use(await startServerProcess({ command: ['node', 'server.mjs'], cwd: folder }), (it) => it.kill());
    const tasks = `http://127.0.0.1:${server.port}/api/tasks`;
    expect((await fetch(tasks)).status).toBe(401);
    const signedIn = await fetch(tasks, { headers: { cookie: 'session=1' } });
    expect([signedIn.status, await signedIn.json()]).toEqual([200, []]);
  });

  test('S2.13: the device example writes, sends and ends', async ({ scratch }) => {
    const folder = userFolder(scratch);
    mkdirSync(join(folder, 'public'));
    const server = await serve(scratch, folder);
    writeFileSync(join(folder, 'bot.mjs'), `${example('device').replace('http://localhost:8080', `http://localhost:${server.port}`)}\nconsole.log('http://done:1/');`);
    const bot = scratch.use(await startServerProcess({ command: ['node', 'bot.mjs'], cwd: folder }), (it) => it.kill());
    expect(bot.port).toBe(1);
    const { openDevice } = await import('../../../server/device/index.ts');
    const reader = scratch.use(await openDevice({ url: `http://localhost:${server.port}`, space: 'team', account: 'reader', live: false }), (it) => it.close());
    expect(await reader.sync()).toBe('level');
    expect((await reader.collection('tasks').list()).map(({ value }) => value)).toEqual([{ title: 'Written by a bot', done: false }]);
  });

  test('HOUSE: the commands it names exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
    for (const [, name] of README.matchAll(/^npm (?:run )?(\w+)/gm)) expect(scripts).toHaveProperty(name ?? '');
  });
});
