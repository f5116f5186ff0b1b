import { connect } from 'node:net';
import type { Socket } from 'node:net';

/** Firefox's own remote protocol, which runs scripts with the browser's privileges; Playwright's cannot. */
export interface Marionette {
  readonly send: <Result = unknown>(command: string, parameters?: object) => Promise<Result>;
  /** Runs the body of an async function with the browser's privileges; its value. */
  readonly runInBrowser: <Result = unknown>(body: string, ...args: readonly unknown[]) => Promise<Result>;
  readonly end: () => void;
}

type Answer = readonly [
  kind: 1,
  id: number,
  error: { readonly error: string; readonly message: string } | null,
  result: never,
];

interface Waiting {
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
}

const SCRIPT_MS = 30_000;

/** Returns once a session stands. Rejects with the socket's error while the port is closed. */
export async function connectMarionette(port: number): Promise<Marionette> {
  const waiting = new Map<number, Waiting>();
  const socket = connect(port, '127.0.0.1');
  let lastId = 0;
  const { promise: greeted, resolve: greet, reject: refuse } = Promise.withResolvers<void>();
  readFrames(socket, (text) => {
    const message = JSON.parse(text) as Answer | object;
    if (!Array.isArray(message)) return greet();
    const [, id, error, result] = message as unknown as Answer;
    const asker = waiting.get(id);
    waiting.delete(id);
    if (error === null) asker?.resolve(result);
    else asker?.reject(new Error(`${error.error}: ${error.message}`));
  });
  socket.on('error', refuse);
  socket.on('close', () => {
    refuse(new Error('Firefox is gone'));
    for (const { reject } of waiting.values()) reject(new Error('Firefox is gone'));
  });
  await greeted;

  const send = <Result>(command: string, parameters: object = {}): Promise<Result> => {
    const { promise, resolve, reject } = Promise.withResolvers<never>();
    const id = ++lastId;
    const text = JSON.stringify([0, id, command, parameters]);
    waiting.set(id, { resolve, reject });
    if (socket.destroyed) reject(new Error('Firefox is gone'));
    else socket.write(`${Buffer.byteLength(text)}:${text}`);
    return promise;
  };
  await send('WebDriver:NewSession', { capabilities: { alwaysMatch: { pageLoadStrategy: 'none' } } });
  return {
    send,
    async runInBrowser<Result>(body: string, ...args: readonly unknown[]) {
      await send('Marionette:SetContext', { value: 'chrome' });
      const script = `const done = arguments[arguments.length - 1];
        (async (...args) => { ${body} })(...[...arguments].slice(0, -1)).then((value) => done({ value }), (error) => done({ error: String(error) }));`;
      const { value } = await send<{ value: { value?: Result; error?: string } }>('WebDriver:ExecuteAsyncScript', {
        script,
        args,
        scriptTimeout: SCRIPT_MS,
        sandbox: 'default',
        newSandbox: true,
      });
      await send('Marionette:SetContext', { value: 'content' });
      if (value.error !== undefined) throw new Error(value.error);
      return value.value as Result;
    },
    end: () => socket.destroy(),
  };
}

/** Frames are `length:json`. */
function readFrames(socket: Socket, onText: (text: string) => void): void {
  let buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    buffer = Buffer.concat([buffer, chunk]);
    for (let colon = buffer.indexOf(':'); colon > 0; colon = buffer.indexOf(':')) {
      const end = colon + 1 + Number(buffer.subarray(0, colon).toString());
      if (buffer.length < end) return;
      onText(buffer.subarray(colon + 1, end).toString());
      buffer = buffer.subarray(end);
    }
  });
}
