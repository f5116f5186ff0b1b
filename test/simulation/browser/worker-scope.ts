import { boundToProcess, runAs, runAsWorld } from '../world/process.ts';
import type { SimProcess } from '../world/process.ts';

type Listener = (event: object) => void;

/** How an event ended, when its `waitUntil` promises did; `died`: the worker was stopped before. */
export type EventOutcome = 'done' | 'failed' | 'died';

/** Listeners of one global scope or object of a worker's life. */
export interface EventTargets {
  readonly addEventListener: (type: string, listener: Listener) => void;
  readonly tell: (type: string, event: object) => void;
}

export function createEventTarget(): EventTargets {
  const listenersByType = new Map<string, Listener[]>();
  return {
    addEventListener(type, listener) {
      const listeners = listenersByType.get(type) ?? [];
      listenersByType.set(type, listeners);
      listeners.push(boundToProcess(listener));
    },
    tell(type, event) {
      for (const listener of listenersByType.get(type) ?? []) listener(event);
    },
  };
}

/** Events under way in a worker: it is busy while there are any. */
export interface EventsUnderWay {
  /** Dispatches an extendable event; `respondWith` too when `onResponse` is given. */
  readonly dispatch: (type: string, fields: object, onResponse?: (response: Promise<unknown>) => void) => Promise<EventOutcome>;
  readonly count: () => number;
  readonly onIdle: (task: () => void) => void;
}

export function createEventsUnderWay(process: () => SimProcess, scope: EventTargets): EventsUnderWay {
  let count = 0;
  const idle: (() => void)[] = [];

  function end(): void {
    count -= 1;
    if (count === 0) for (const task of idle.splice(0)) task();
  }

  return {
    count: () => count,
    onIdle(task) {
      if (count === 0) task();
      else idle.push(task);
    },
    dispatch: (type, fields, onResponse) =>
      new Promise((resolve) => {
        count += 1;
        let [open, failed, ended] = [0, false, false];
        const settle = (outcome: EventOutcome): void => {
          if (ended) return;
          ended = true;
          end();
          resolve(outcome);
        };
        const extend = (work: unknown): void => {
          open += 1;
          runAsWorld(() => {
            const closed = (): void => {
              open -= 1;
              if (open === 0) settle(failed ? 'failed' : 'done');
            };
            Promise.resolve(work).then(closed, () => {
              failed = true;
              closed();
            });
          });
        };
        process().onDeath(() => settle('died'));
        const event = {
          ...fields,
          type,
          waitUntil: extend,
          respondWith(response: Promise<unknown>) {
            extend(response);
            onResponse?.(Promise.resolve(response));
          },
        };
        // Open until every listener was called.
        open += 1;
        runAs(process(), () => scope.tell(type, event));
        open -= 1;
        if (open === 0) settle('done');
      }),
  };
}
