import { describe, expect, test } from 'vitest';
import { isWhole, seal } from '../../../sw/capture/sealed.ts';

const made = (): Response => new Response('let a = 1;', { headers: { 'content-type': 'text/javascript' } });

async function sealed(): Promise<Response> {
  const response = await seal(made());
  if (response === null) throw new Error('it is whole');
  return response;
}

describe('CAP32 what a cache keeps of an answer', () => {
  test('is the answer, with a seal that it matches however often it is looked at', async () => {
    const kept = await sealed();
    expect(await isWhole(kept)).toBe(true);
    expect(await isWhole(kept)).toBe(true);
    expect(kept.headers.get('content-type')).toBe('text/javascript');
    expect(await kept.text()).toBe('let a = 1;');
  });

  test('is noticed when it lost bytes, or has others', async () => {
    const { headers } = await sealed();
    for (const left of ['', 'let a =', '\0'.repeat(10), 'let a = 2;'])
      expect(await isWhole(new Response(left, { headers }))).toBe(false);
  });

  test('is taken as it is when an older version kept it', async () => {
    expect(await isWhole(made())).toBe(true);
  });

  test('is nothing when the answer broke off, and not whole when it cannot be read', async () => {
    const broken = (headers?: Headers): Response =>
      new Response(new ReadableStream({ start: (it) => it.error(new Error('broken off')) }), headers && { headers });
    expect(await seal(broken())).toBeNull();
    expect(await isWhole(broken((await sealed()).headers))).toBe(false);
  });
});
