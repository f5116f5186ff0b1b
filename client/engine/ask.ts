import { PageError } from '../page-error.ts';
import type { PageReply, PageRequests, PageRequestType } from '../../core/protocol/page-messages.ts';

export type Ask = <T extends PageRequestType>(
  type: T,
  ask: PageRequests[T]['ask'],
) => Promise<PageRequests[T]['answer']>;

export interface Asker {
  readonly ask: Ask;
  /** Sends everything unanswered again, now: another worker is in charge. */
  readonly again: () => void;
  /** Rejects everything unanswered. */
  readonly close: () => void;
}

/** How long each sending waits for its answer, ms. A worker that starts cold on a slow phone needs seconds. */
const TIME_LIMITS_MS: readonly number[] = [4000, 8000, 16_000, 32_000];

export interface Receiver {
  readonly postMessage: (message: unknown, transfer: Transferable[]) => void;
}

/**
 * Requests to a worker that may stop, restart or be replaced between any two events: what is not answered in time is sent
 * again to whoever is in charge then (PAGE2). Every request bears that; one that appends carries an attempt id.
 */
export function createAsker(worker: () => Receiver | null, timeLimitsMs: readonly number[] = TIME_LIMITS_MS): Asker {
  const unanswered = new Set<{ readonly send: () => void; readonly fail: (error: PageError) => void }>();

  const ask: Ask = (type, ask) =>
    new Promise((resolve, reject) => {
      const ports: MessagePort[] = [];
      let timer: ReturnType<typeof setTimeout> | undefined;
      let late = 0;
      const request = { send: () => send(), fail: (error: PageError) => end(() => reject(error)) };

      const end = (settle: () => void): void => {
        unanswered.delete(request);
        clearTimeout(timer);
        for (const port of ports) port.close();
        settle();
      };
      const onReply = ({ data }: MessageEvent<PageReply<typeof type>>): void => {
        if ('ok' in data) return end(() => resolve(data.ok));
        // The worker has no room now: the time limit is the pause before the next sending.
        if (data.error === 'busy' && late < timeLimitsMs.length - 1) return;
        end(() => reject(new PageError(data.error, data.message)));
      };
      const send = (): void => {
        const { port1, port2 } = new MessageChannel();
        // Answers to earlier sendings count as well: the request is the same.
        ports.push(port1);
        port1.addEventListener('message', onReply);
        port1.start();
        worker()?.postMessage({ wakelog: type, ask }, [port2]);
        clearTimeout(timer);
        timer = setTimeout(() => {
          if (++late < timeLimitsMs.length) send();
          else request.fail(new PageError('busy', 'the worker does not answer'));
        }, timeLimitsMs[late]);
      };

      unanswered.add(request);
      send();
    });

  return {
    ask,
    again() {
      for (const request of unanswered) request.send();
    },
    close() {
      for (const request of unanswered) request.fail(new PageError('busy', 'the connection is closed'));
    },
  };
}
