import { fileURLToPath } from 'node:url';

import type { Scratch } from '../../platform/parts/scratch.ts';
import { startServerBehindGate } from '../../platform/server-process.ts';
import type { ServerBehindGate } from '../../platform/server-process.ts';
import { createTcpGate } from '../../platform/tcp-gate.ts';

export interface Demo extends ServerBehindGate {
  readonly origin: string;
  /** For devices in Node, past the gate. */
  readonly serverUrl: () => string;
}

/** The demo as `npm start` runs it, on data of its own. */
export async function startDemo(scratch: Scratch): Promise<Demo> {
  const gate = scratch.use(await createTcpGate(), (it) => it.close());
  const server = fileURLToPath(new URL('../../../examples/task-list/server.ts', import.meta.url));
  const command = ['node', server, '--port', '0', '--data', scratch.folder('demo')] as const;
  const demo = scratch.use(await startServerBehindGate(gate, { command }), (it) => it.end());
  return {
    ...demo,
    origin: `http://localhost:${gate.port}`,
    serverUrl: () => `http://127.0.0.1:${demo.process.port}`,
  };
}
