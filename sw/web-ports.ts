import type { Clock, Lock, Random } from '../core/engine/ports.ts';

/** The engine's ports on what every service worker has. */
export const webClock: Clock = {
  now: () => Date.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    return () => clearTimeout(timer);
  },
};

export const webRandom: Random = () => Math.random();

/** A Web Lock: also against another version of this worker, and freed by the browser when the worker is stopped. */
export const webLock: Lock = (name, body) => navigator.locks.request(`wakelog:${name}`, body);
