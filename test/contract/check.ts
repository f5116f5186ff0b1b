/*
 * The few assertions of the contract suite. Of its own, because the same suite runs in vitest and, bundled, in workers of
 * real browsers.
 */

export class CheckFailed extends Error {
  override readonly name = 'CheckFailed';
}

export function check(condition: boolean, what: string): asserts condition {
  if (!condition) throw new CheckFailed(what);
}

/** Deep equality of plain data: primitives, arrays, byte arrays, maps' entries spread out before. Missing and undefined are alike. */
export function checkEqual(actual: unknown, expected: unknown, what: string): void {
  const [a, b] = [show(actual), show(expected)];
  if (a !== b) throw new CheckFailed(`${what}: got ${shorten(a)}, expected ${shorten(b)}`);
}

/** Runs something that must reject with an error of this name. */
export async function checkRejects(promise: Promise<unknown>, errorName: string, what: string): Promise<void> {
  const outcome = await promise.then(
    () => 'it resolved',
    (error: unknown) => (error instanceof Error ? error.name : String(error)),
  );
  checkEqual(outcome, errorName, what);
}

/** The same text for equal data, whatever the order of an object's keys. */
function show(value: unknown): string {
  return (
    JSON.stringify(value, (_key, inner: unknown) => {
      if (inner instanceof Uint8Array)
        return `bytes ${Array.from(inner, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
      if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
      return Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)));
    }) ?? 'undefined'
  );
}

function shorten(text: string): string {
  return text.length > 400 ? `${text.slice(0, 400)}…` : text;
}
