import { createRequire } from 'node:module';

interface BundledSocket {
  send(data: unknown, ...rest: unknown[]): void;
  emit(event: 'message', data: Buffer, isBinary: boolean): boolean;
}

const MISSING_COMMAND = '"emulation.setMediaFeaturesOverride"';
let patched = false;

/**
 * Playwright 1.65 sends one BiDi command per page that Firefox ESR 153 does not know, and gives up when it is refused.
 * Success is answered here in the browser's place; emulated media features then simply have no effect.
 */
export function answerMediaFeaturesLocally(): void {
  if (patched) return;
  patched = true;
  // playwright-core is Playwright's own dependency, so it is resolved from there.
  const fromPlaywright = createRequire(createRequire(import.meta.url).resolve('playwright'));
  const { ws } = fromPlaywright('playwright-core/lib/utilsBundle') as { ws: { prototype: BundledSocket } };
  const send = ws.prototype.send;
  ws.prototype.send = function (this: BundledSocket, data, ...rest) {
    if (typeof data !== 'string' || !data.includes(MISSING_COMMAND)) {
      send.call(this, data, ...rest);
      return;
    }
    const { id } = JSON.parse(data) as { id: number };
    setImmediate(() => this.emit('message', Buffer.from(JSON.stringify({ type: 'success', id, result: {} })), false));
  };
}
