export type KeyedTurns = <T>(key: string, body: () => Promise<T>) => Promise<T>;

/** Runs bodies of one key one after another, in the order asked; those of other keys meanwhile. */
export function createKeyedTurns(): KeyedTurns {
  const lastByKey = new Map<string, Promise<unknown>>();
  return async (key, body) => {
    const turn = (lastByKey.get(key) ?? Promise.resolve()).then(body);
    const ended = turn.catch(() => undefined);
    lastByKey.set(key, ended);
    try {
      return await turn;
    } finally {
      if (lastByKey.get(key) === ended) lastByKey.delete(key);
    }
  };
}
