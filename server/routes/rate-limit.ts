import type { IncomingMessage } from 'node:http';
import { WakelogError } from '../../core/protocol/errors.ts';
import { isLoopbackAddress } from './guards.ts';

/** Addresses remembered at most; the one that came longest ago is forgotten first. */
const MAX_ADDRESSES = 10_000;
/** A quiet address may send so many seconds' worth at once. */
const BURST_SECONDS = 5;
/** Devices obey to the millisecond, and many may share an address: the time to the next token would have all of them back at once. */
const LEAST_RETRY_MS = 1_000;

interface Bucket {
  tokens: number;
  atMs: number;
}

/** Throws `rate-limited` for an address beyond its rate. Loopback is let through: a proxy on this machine stands for everybody. */
export function createRateLimit(requestsPerSecond: number, now: () => number): (request: IncomingMessage) => void {
  const buckets = new Map<string, Bucket>();
  const most = requestsPerSecond * BURST_SECONDS;
  return (request) => {
    const address = request.socket.remoteAddress;
    if (address === undefined || isLoopbackAddress(address)) return;
    const nowMs = now();
    const bucket = buckets.get(address) ?? { tokens: most, atMs: nowMs };
    bucket.tokens = Math.min(most, bucket.tokens + (Math.max(0, nowMs - bucket.atMs) / 1_000) * requestsPerSecond);
    bucket.atMs = nowMs;
    buckets.delete(address);
    buckets.set(address, bucket);
    if (buckets.size > MAX_ADDRESSES)
      for (const oldest of buckets.keys()) {
        buckets.delete(oldest);
        break;
      }
    if (bucket.tokens < 1) throw new WakelogError('rate-limited', undefined, Math.max(LEAST_RETRY_MS, Math.ceil(1_000 / requestsPerSecond)));
    bucket.tokens -= 1;
  };
}
