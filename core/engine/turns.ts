/** Runs bodies one after another, in the order asked; one that fails does not stop the next. */
export type Turns = <T>(body: () => Promise<T>) => Promise<T>;

export function createTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve();
  return (body) => {
    const result = last.then(body);
    last = result.catch(() => undefined);
    return result;
  };
}
