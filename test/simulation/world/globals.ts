import type { SimProcess } from './process.ts';
import { presentProcess } from './process.ts';
import type { World } from './world.ts';

/** What a program on a simulated machine may have in place of Node's own, or where Node has nothing. */
const OFFERED = [
  'fetch',
  'indexedDB',
  'caches',
  'navigator',
  'BroadcastChannel',
  'MessageChannel',
  'WindowClient',
  'registration',
  'clients',
  'location',
  'addEventListener',
  'removeEventListener',
  'skipWaiting',
  'document',
] as const;

/** Handles of timers that were made for a simulated process: a function that cancels. */
class SimTimer {
  readonly cancel: () => void;
  constructor(cancel: () => void) {
    this.cancel = cancel;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
  hasRef(): boolean {
    return true;
  }
  [Symbol.dispose](): void {
    this.cancel();
  }
}

let current: World | undefined;
let installed = false;

/** The world whose processes' timers and tasks are its events. One at a time in an OS process. */
export function enterWorld(world: World): void {
  install();
  current = world;
}

/**
 * Replaces, once and for the whole OS process, the globals that tell time, wait, draw lots or reach out. Outside simulated
 * processes they do what they did before. Production code needs no change and no switch for it.
 */
function install(): void {
  if (installed) return;
  installed = true;
  installTimers();
  installRandom();
  for (const name of OFFERED) offer(name);
  const realNow = Date.now.bind(Date);
  Date.now = () => {
    const process = presentProcess();
    return process === undefined ? realNow() : Math.floor(process.wallClock());
  };
}

/** The simulated process that is running, with its world. */
function inside(): { readonly world: World; readonly process: SimProcess } | undefined {
  const process = presentProcess();
  return process === undefined || current === undefined ? undefined : { world: current, process };
}

type Callback = (...args: unknown[]) => void;

function installTimers(): void {
  const real = { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, clearImmediate };
  const target = globalThis as unknown as Record<string, unknown>;

  const once =
    (label: string, fallback: Callback) =>
    (callback: Callback, delayMs: number = 0, ...args: unknown[]): unknown => {
      const here = inside();
      if (here === undefined) return fallback(callback, delayMs, ...args);
      return new SimTimer(here.world.after(asDelay(delayMs), label, () => callback(...args), here.process));
    };
  const cancel = (fallback: Callback) => (handle: unknown) => {
    if (handle instanceof SimTimer) handle.cancel();
    else fallback(handle);
  };

  target['setTimeout'] = once('timer', real.setTimeout as unknown as Callback);
  target['clearTimeout'] = cancel(real.clearTimeout as unknown as Callback);
  target['clearInterval'] = cancel(real.clearInterval as unknown as Callback);
  target['clearImmediate'] = cancel(real.clearImmediate as unknown as Callback);
  target['setImmediate'] = (callback: Callback, ...args: unknown[]): unknown => {
    const here = inside();
    if (here === undefined) return (real.setImmediate as unknown as Callback)(callback, ...args);
    return new SimTimer(here.world.after(0, 'immediate', () => callback(...args), here.process));
  };
  target['setInterval'] = (callback: Callback, delayMs = 0, ...args: unknown[]): unknown => {
    const here = inside();
    if (here === undefined) return (real.setInterval as unknown as Callback)(callback, delayMs, ...args);
    let stop = (): void => {};
    const again = (): void => {
      stop = here.world.after(asDelay(delayMs), 'interval', tick, here.process);
    };
    const tick = (): void => {
      again();
      callback(...args);
    };
    again();
    return new SimTimer(() => stop());
  };

  const realTimeout = AbortSignal.timeout.bind(AbortSignal);
  AbortSignal.timeout = (delayMs) => {
    const here = inside();
    if (here === undefined) return realTimeout(delayMs);
    const controller = new AbortController();
    here.world.after(delayMs, 'abort timer', () => controller.abort(new DOMException('timed out', 'TimeoutError')), here.process);
    return controller.signal;
  };
}

/** As browsers and Node have it: what is no delay is none, and nothing waits longer than 2^31 - 1 ms: it fires at once. */
function asDelay(delayMs: unknown): number {
  const delay = Number(delayMs);
  return delay >= 0 && delay < 2 ** 31 ? delay : 0;
}

function installRandom(): void {
  const realRandom = Math.random;
  Math.random = () => presentProcess()?.random() ?? realRandom();
  const realCrypto = globalThis.crypto;
  const realValues = realCrypto.getRandomValues.bind(realCrypto);
  const realUuid = realCrypto.randomUUID.bind(realCrypto);
  realCrypto.getRandomValues = <T extends NodeJS.NonSharedTypedArray>(array: T): T => {
    const process = presentProcess();
    if (process === undefined) return realValues(array);
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(process.random() * 256);
    return array;
  };
  realCrypto.randomUUID = () => {
    const process = presentProcess();
    if (process === undefined) return realUuid();
    const digits = (count: number): string =>
      Array.from({ length: count }, () => Math.floor(process.random() * 16).toString(16)).join('');
    return `${digits(8)}-${digits(4)}-4${digits(3)}-8${digits(3)}-${digits(12)}`;
  };
}

function offer(name: (typeof OFFERED)[number]): void {
  const before = Object.getOwnPropertyDescriptor(globalThis, name);
  let own: unknown;
  let replaced = false;
  Object.defineProperty(globalThis, name, {
    configurable: true,
    get() {
      const process = presentProcess();
      if (process !== undefined) return process.globals[name];
      return replaced ? own : (before?.get?.call(globalThis) ?? before?.value);
    },
    set(value: unknown) {
      [own, replaced] = [value, true];
    },
  });
}
