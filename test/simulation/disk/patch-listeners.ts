import { presentProcess, runAs } from '../world/process.ts';
import { inside } from './fake-internals.ts';
import type { EventTargetInside } from './fake-internals.ts';
import { presentLane, runOutside } from './present-disk.ts';

type Callback = (this: unknown, event: Event) => unknown;

/** Listeners run as the process that registered them, and not at all once it is dead: what they listen to outlives it. */
export function patchListeners(): void {
  const { EventTarget } = inside;
  const add = EventTarget.addEventListener;

  EventTarget.addEventListener = function addBound(this: EventTargetInside, type, callback, options) {
    // A listener of fake-indexeddb's own.
    if (presentLane() !== undefined || typeof callback !== 'function') {
      add.call(this, type, callback, options);
      return;
    }
    const bound = bind(callback as Callback, this);
    this.listeners.push({ type, capture: isCapture(options), callback: bound, original: callback });
  };

  EventTarget.removeEventListener = function removeBound(this: EventTargetInside, type, callback, options) {
    const capture = isCapture(options);
    const at = this.listeners.findIndex(
      (listener) =>
        listener.type === type &&
        listener.capture === capture &&
        (listener.original === callback || listener.callback === callback),
    );
    if (at !== -1) this.listeners.splice(at, 1);
  };
}

function bind(callback: Callback, target: unknown): (event: Event) => void {
  const process = presentProcess();
  if (process === undefined) return (event) => runOutside(() => void callback.call(target, event));
  return (event) => {
    if (process.isAlive()) runOutside(() => runAs(process, () => void callback.call(target, event)));
  };
}

function isCapture(options: unknown): boolean {
  return typeof options === 'object' && options !== null
    ? 'capture' in options && options.capture === true
    : options === true;
}
