import type { Readable, Writable } from 'node:stream';

export interface CdpEvent {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly sessionId?: string;
}

/** The Chrome DevTools Protocol over a pair of pipes: JSON messages, each ended by a zero byte. */
export interface CdpPipe {
  /** Rejects with the browser's message, or when the browser is gone. */
  send<Result = unknown>(method: string, params?: object, sessionId?: string): Promise<Result>;
  /** Returns how to stop listening. */
  onEvent(listener: (event: CdpEvent) => void): () => void;
  /** Rejects everything still waiting. */
  end(reason: string): void;
}

interface CdpReply {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

interface Waiting {
  readonly method: string;
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
}

export function createCdpPipe(output: Writable, input: Readable): CdpPipe {
  const waiting = new Map<number, Waiting>();
  const listeners = new Set<(event: CdpEvent) => void>();
  let lastId = 0;
  let ended: string | null = null;

  const receive = (message: CdpReply | CdpEvent): void => {
    if (!('id' in message)) {
      for (const listener of listeners) listener(message);
      return;
    }
    const sender = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error === undefined) sender?.resolve(message.result as never);
    else sender?.reject(new Error(`${sender.method}: ${message.error.message}`));
  };
  output.on('error', () => {}); // a write to a killed browser: its exit tells the senders
  splitAtZeroBytes(input, (text) => receive(JSON.parse(text) as CdpReply | CdpEvent));

  return {
    send(method, params = {}, sessionId) {
      const { promise, resolve, reject } = Promise.withResolvers<never>();
      if (ended !== null) reject(new Error(`${method}: ${ended}`));
      else {
        const id = ++lastId;
        waiting.set(id, { method, resolve, reject });
        output.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
      }
      return promise;
    },
    onEvent(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    end(reason) {
      ended = reason;
      for (const { method, reject } of waiting.values()) reject(new Error(`${method}: ${reason}`));
      waiting.clear();
    },
  };
}

function splitAtZeroBytes(input: Readable, onText: (text: string) => void): void {
  let parts: Buffer[] = [];
  input.on('data', (chunk: Buffer) => {
    let from = 0;
    for (let zero = chunk.indexOf(0); zero >= 0; zero = chunk.indexOf(0, from)) {
      parts.push(chunk.subarray(from, zero));
      onText(Buffer.concat(parts).toString());
      parts = [];
      from = zero + 1;
    }
    if (from < chunk.length) parts.push(chunk.subarray(from));
  });
}
