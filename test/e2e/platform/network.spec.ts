import { expect } from '@playwright/test';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';

import { test } from '../../platform/scenario.ts';
import { startServerBehindGate } from '../../platform/server-process.ts';
import { createTcpGate } from '../../platform/tcp-gate.ts';
import type { TcpGate } from '../../platform/tcp-gate.ts';

// Appends each POSTed body to a file before it answers with the file's length; GET answers the length.
const COUNTER = `
  const { createServer } = require('node:http');
  const { appendFileSync, readFileSync } = require('node:fs');
  const file = process.argv[1];
  appendFileSync(file, '');
  const server = createServer(async (request, response) => {
    for await (const chunk of request) appendFileSync(file, chunk);
    response.end(String(readFileSync(file).length));
  });
  server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ msg: 'ready', port: server.address().port })));
`;

test('PLATFORM gate and server process: misfortunes of the network, SIGKILL and restart behind one address', async ({
  scratch,
}) => {
  const gate = scratch.use(await createTcpGate(), (it) => it.close());
  const file = join(scratch.folder('server'), 'counted');
  const command = ['node', '-e', COUNTER, file] as const;
  const server = scratch.use(await startServerBehindGate(gate, { command }), (it) => it.end());
  expect(await post(gate.origin, 'abc')).toBe('3');

  await gate.set({ kind: 'cut', direction: 'toClient', afterBytes: 0 });
  await expect(post(gate.origin, 'de')).rejects.toThrow('fetch failed');
  await gate.log.until('cut');
  await gate.set('pass');
  expect(await post(gate.origin, '')).toBe('5'); // the server had taken what the client never heard of

  await gate.set({ kind: 'cut', direction: 'toServer', afterBytes: 20 });
  await expect(post(gate.origin, 'never whole')).rejects.toThrow('fetch failed');
  await gate.set('pass');
  expect(await post(gate.origin, '')).toBe('5');

  await gate.set('refuse');
  expect(await connectError(gate)).toBe('ECONNREFUSED');
  await gate.set('stall');
  const mark = gate.log.mark();
  const waiting = post(gate.origin, 'f');
  await gate.log.until('connect', () => true, { after: mark });
  expect(await post(`http://127.0.0.1:${server.process.port}`, '')).toBe('5'); // past the gate: the f has not arrived
  await gate.set('pass');
  expect(await waiting).toBe('6');

  const { pid } = server.process;
  await server.kill();
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  await expect(post(gate.origin, 'g')).rejects.toThrow('fetch failed');
  await server.restart();
  expect(server.process.pid).not.toBe(pid);
  expect(await post(gate.origin, 'g')).toBe('7');
  expect(await server.process.stop()).toBe(null); // it has no SIGTERM handler, so the signal ends it
});

async function post(origin: string, body: string): Promise<string> {
  const response = await fetch(origin, { method: 'POST', body, headers: { connection: 'close' } });
  return response.text();
}

async function connectError(gate: TcpGate): Promise<string | undefined> {
  const socket = connect(gate.port, '127.0.0.1');
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  return error.code;
}
