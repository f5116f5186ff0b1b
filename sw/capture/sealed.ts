/**
 * A power cut may leave a cached file without its bytes: Firefox makes the list of a cache durable, and not what it lists
 * (docs/reliability.md). A page whose script is empty would not start before the next visit, and without a network never. So what is
 * kept carries its hash, and what does not match it is as good as not kept (CAP32).
 */
const SEAL = 'wakelog-sha256';

/** The same answer, whole in memory, with its seal; an answer that breaks off is none. */
export async function seal(response: Response): Promise<Response | null> {
  const bytes = await response.arrayBuffer().catch(() => undefined);
  if (bytes === undefined) return null;
  const headers = new Headers(response.headers);
  headers.set(SEAL, await hash(bytes));
  return new Response(bytes, { status: response.status, statusText: response.statusText, headers });
}

/** Whether a kept answer is what was kept; one without a seal is of an older version. */
export async function isWhole(response: Response): Promise<boolean> {
  const expected = response.headers.get(SEAL);
  if (expected === null) return true;
  const bytes = await response
    .clone()
    .arrayBuffer()
    .catch(() => undefined);
  return bytes !== undefined && (await hash(bytes)) === expected;
}

async function hash(bytes: ArrayBuffer): Promise<string> {
  return btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))));
}
