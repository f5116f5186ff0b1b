import type { CdpPipe } from './cdp-pipe.ts';

/** A tab, driven from outside. Nothing here attaches to a service worker. */
export interface ChromiumPage {
  readonly sessionId: string;
  /** What the page printed and threw, for a failing test's message. */
  readonly console: readonly string[];
  send<Result = unknown>(method: string, params?: object): Promise<Result>;
  /** Returns at the load event. Rejects when nothing answers. */
  goto(url: string): Promise<void>;
  /** Value of an expression, or of a function with JSON arguments, awaited in the page; rejects with the page's own error. */
  eval<Value = unknown>(expression: string): Promise<Value>;
  eval<Args extends unknown[], Value>(fn: (...args: Args) => Value | Promise<Value>, ...args: Args): Promise<Value>;
  /** Asks again and again until the expression is truthy; returns its value. */
  until<Value = unknown>(expression: string, withinMs?: number): Promise<Value>;
  /** Returns when the tab is gone. */
  close(): Promise<void>;
}

interface EvaluateResult {
  readonly result: { readonly value?: unknown };
  readonly exceptionDetails?: { readonly text: string; readonly exception?: { readonly description?: string } };
}

export async function openPage(pipe: CdpPipe, url?: string): Promise<ChromiumPage> {
  const { targetId } = await pipe.send<{ targetId: string }>('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await pipe.send<{ sessionId: string }>('Target.attachToTarget', { targetId, flatten: true });
  const send = <Result = unknown>(method: string, params?: object): Promise<Result> =>
    pipe.send<Result>(method, params, sessionId);
  const printed: string[] = [];
  const stopListening = pipe.onEvent((event) => {
    if (event.sessionId !== sessionId) return;
    if (event.method === 'Runtime.consoleAPICalled' || event.method === 'Runtime.exceptionThrown') {
      printed.push(JSON.stringify(event.params['args'] ?? event.params['exceptionDetails']));
    }
  });
  await send('Page.enable');
  await send('Runtime.enable');

  const evaluate = async <Value>(expression: string): Promise<Value> => {
    const options = { expression, awaitPromise: true, returnByValue: true, userGesture: true };
    const { result, exceptionDetails } = await send<EvaluateResult>('Runtime.evaluate', options);
    if (exceptionDetails !== undefined) {
      throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    }
    return result.value as Value;
  };
  const page: ChromiumPage = {
    sessionId,
    console: printed,
    send,
    async goto(address) {
      const loaded = eventOf(pipe, sessionId, 'Page.loadEventFired');
      const { errorText } = await send<{ errorText?: string }>('Page.navigate', { url: address });
      if (errorText !== undefined) throw new Error(`${address}: ${errorText}`);
      await loaded;
    },
    eval: (code: string | ((...args: never[]) => unknown), ...args: unknown[]): Promise<never> =>
      evaluate(
        typeof code === 'string' ? code : `(${String(code)})(${args.map((arg) => JSON.stringify(arg)).join(', ')})`,
      ),
    until: <Value>(expression: string, withinMs = 10_000) => evaluate<Value>(untilTruthy(expression, withinMs)),
    async close() {
      const gone = targetGone(pipe, sessionId);
      await send('Page.close');
      await gone;
      stopListening();
    },
  };
  if (url !== undefined) await page.goto(url);
  return page;
}

function untilTruthy(expression: string, withinMs: number): string {
  const text = JSON.stringify(expression);
  return `(async () => {
    for (const end = Date.now() + ${withinMs}; ; await new Promise((resolve) => setTimeout(resolve, 20))) {
      const value = await (${expression});
      if (value) return value;
      if (Date.now() > end) throw new Error('not true within ${withinMs} ms: ' + ${text});
    }
  })()`;
}

function eventOf(pipe: CdpPipe, sessionId: string, method: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = pipe.onEvent((event) => {
    if (event.sessionId !== sessionId || event.method !== method) return;
    stop();
    resolve();
  });
  return promise;
}

function targetGone(pipe: CdpPipe, sessionId: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = pipe.onEvent((event) => {
    if (event.method !== 'Target.detachedFromTarget' || event.params['sessionId'] !== sessionId) return;
    stop();
    resolve();
  });
  return promise;
}
