import { ERRORS } from '../../core/protocol/errors.ts';
import { isNewVersionComing } from '../hand-over.ts';

/** The streams that pages keep reading, so that the browser keeps this worker alive while somebody looks (design §6). */
export interface UpdatesStreams {
  /** `onEnd`: the page reads no more. */
  readonly open: (onEnd: () => void) => Response;
  /** A new version of the worker is coming: an open stream would hold it up for minutes. */
  readonly endAll: () => void;
}

export function createUpdatesStreams(): UpdatesStreams {
  const endings = new Set<() => void>();
  return {
    open(onEnd) {
      if (isNewVersionComing()) return refusal();
      let end = (): void => {};
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          end = () => {
            if (endings.delete(end)) controller.close();
          };
          endings.add(end);
          // Something to read at once: the page knows by it that the stream is up.
          controller.enqueue(Uint8Array.of(0x0a));
        },
        cancel() {
          endings.delete(end);
          onEnd();
        },
      });
      return new Response(body, { headers: { 'content-type': 'text/plain', 'cache-control': 'no-store' } });
    },
    endAll() {
      for (const end of endings) end();
    },
  };
}

function refusal(): Response {
  const { status, text } = ERRORS.busy;
  return Response.json({ error: 'busy', message: text }, { status, headers: { 'retry-after': '1' } });
}
