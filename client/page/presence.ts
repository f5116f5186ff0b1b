/** How often a visible page tells the worker that it is here, ms; browsers stop a worker that is idle for 30 s. */
const ALIVE_EVERY_MS = 10_000;
/** Pause before an ended stream is opened again, ms. Firefox ends it every 30 s, an update at once; doubled up to the last. */
const REOPEN_AFTER_MS: readonly [number, number] = [100, 10_000];

export interface PresenceTasks {
  /** The page came back, or the network did: read again, and let the engine look at the server. */
  readonly onReturn: (why: 'focus' | 'visible' | 'online') => void;
  readonly onAlive: () => unknown;
  /** The stream that keeps a worker at work; undefined where nothing intercepts requests. */
  readonly openStream?: ((signal: AbortSignal) => Promise<void>) | undefined;
  /** A stream ended: hints may have been missed meanwhile. */
  readonly onStreamEnd?: () => void;
}

/**
 * What a page does for its worker while somebody looks at it: says `alive`, holds one stream, and reports every return of
 * the page or of the network (PAGE5). Hidden pages do nothing, so that an unwatched worker may sleep.
 */
export function keepPresent({ onReturn, onAlive, openStream, onStreamEnd }: PresenceTasks): () => void {
  const stop = new AbortController();
  const whileListening = { signal: stop.signal };
  let shown: AbortController | undefined;

  const onVisibility = (): void => {
    if (document.visibilityState === 'visible' && shown === undefined) {
      shown = new AbortController();
      const { signal } = shown;
      const timer = setInterval(onAlive, ALIVE_EVERY_MS);
      signal.addEventListener('abort', () => clearInterval(timer));
      if (openStream !== undefined) void holdStream(openStream, signal, onStreamEnd);
    } else if (document.visibilityState === 'hidden') {
      shown?.abort();
      shown = undefined;
    }
  };

  document.addEventListener(
    'visibilitychange',
    () => {
      onVisibility();
      if (document.visibilityState === 'visible') onReturn('visible');
    },
    whileListening,
  );
  window.addEventListener('focus', () => onReturn('focus'), whileListening);
  window.addEventListener('online', () => onReturn('online'), whileListening);
  // Out of the back-forward cache: everything said meanwhile was missed.
  window.addEventListener('pageshow', ({ persisted }) => persisted && onReturn('visible'), whileListening);
  onVisibility();
  return () => {
    stop.abort();
    shown?.abort();
  };
}

async function holdStream(
  open: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
  onEnd: (() => void) | undefined,
): Promise<void> {
  let pauseMs = REOPEN_AFTER_MS[0];
  while (!signal.aborted) {
    const openedAt = performance.now();
    await open(signal).catch(() => {});
    if (signal.aborted) return;
    onEnd?.();
    pauseMs =
      performance.now() - openedAt > REOPEN_AFTER_MS[1]
        ? REOPEN_AFTER_MS[0]
        : Math.min(pauseMs * 2, REOPEN_AFTER_MS[1]);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
