/**
 * Calls every listener. One that throws does so on its own: what is durable stays done, whoever waits for it is told so, and
 * the other listeners are called.
 */
export function tell<T>(listeners: Iterable<(news: T) => void>, news: T): void {
  for (const listener of listeners) {
    try {
      listener(news);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
