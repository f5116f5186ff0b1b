/** Runs bodies one after another, in the order asked; one that fails does not stop the next. */
export function createTurns(): <T>(body: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (body) => {
    const result = last.then(body);
    last = result.catch(() => undefined);
    return result;
  };
}
