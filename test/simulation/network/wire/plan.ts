import type { SimRandom } from '../../world/random.ts';
import type { NetworkFault } from '../fault.ts';
import type { SimRequest, SimResponse } from '../http.ts';

/** How the network treats one request: what the faults that hit it come to. */
export interface Plan {
  /** Beyond the link's own latency, ms. */
  upMs: number;
  downMs: number;
  lost: 'request' | 'response' | undefined;
  /** When the program hears of the loss; undefined: never. */
  lostAfterMs: number | undefined;
  duplicateAfterMs: number | undefined;
  overtakenWithinMs: number | undefined;
  /** Somebody in between answers; the server's own answer, if it gets the request, goes nowhere. */
  answer: SimResponse | undefined;
  reaches: boolean;
  /** Cut a whole body: as if complete, or with an error. */
  cut: 'silent' | 'error' | undefined;
  drip: { readonly pieceBytes: number; readonly everyMs: number } | undefined;
  shredMs: number | undefined;
  streamEnd: { readonly afterMs: number; readonly how: 'complete' | 'error' | 'silence' } | undefined;
}

/** Where a login redirect leads. */
export const LOGIN_URL = 'https://login.sim/';

export function planRequest(
  faults: readonly NetworkFault[],
  request: SimRequest,
  random: SimRandom,
  onHit: (fault: NetworkFault) => void,
): Plan {
  const plan: Plan = {
    upMs: 0,
    downMs: 0,
    lost: undefined,
    lostAfterMs: undefined,
    duplicateAfterMs: undefined,
    overtakenWithinMs: undefined,
    answer: undefined,
    reaches: true,
    cut: undefined,
    drip: undefined,
    shredMs: undefined,
    streamEnd: undefined,
  };
  for (const fault of faults) {
    if (!random.chance(fault.chance)) continue;
    onHit(fault);
    apply(plan, fault, request, random);
  }
  return plan;
}

function lose(plan: Plan, what: 'request' | 'response', afterMs: number | undefined): void {
  plan.lost = plan.lost === 'request' ? 'request' : what;
  plan.lostAfterMs = afterMs;
}

function intercept(plan: Plan, answer: SimResponse, reaches: boolean): void {
  plan.answer = answer;
  plan.reaches &&= reaches;
}

function apply(plan: Plan, fault: NetworkFault, request: SimRequest, random: SimRandom): void {
  switch (fault.kind) {
    case 'delay':
      plan.upMs += random.between(fault.minMs, fault.maxMs);
      plan.downMs += random.between(fault.minMs, fault.maxMs);
      break;
    case 'drop-request':
      lose(plan, 'request', fault.afterMs);
      break;
    case 'drop-response':
      lose(plan, 'response', fault.afterMs);
      break;
    case 'duplicate':
      plan.duplicateAfterMs = fault.lateMs;
      break;
    case 'reorder':
      plan.overtakenWithinMs = fault.mostMs;
      break;
    case 'half-open':
      lose(plan, fault.reaches ? 'response' : 'request', undefined);
      break;
    case 'truncate':
      plan.cut = fault.silent ? 'silent' : 'error';
      break;
    case 'reset':
      if (fault.when === 'reading') {
        plan.cut = 'error';
        plan.streamEnd ??= { afterMs: random.int(1_000), how: 'error' };
      } else lose(plan, fault.when === 'sending' ? 'request' : 'response', 0);
      break;
    case 'captive-portal':
      intercept(plan, portalAnswer(fault.says, request, random), false);
      break;
    case 'proxy-error':
      intercept(plan, page(fault.status, `<h1>${fault.status} Bad Gateway</h1>`), fault.reaches);
      break;
    case 'proxy-limit':
      if (request.body.length > fault.maxBodyBytes) intercept(plan, page(413, '<h1>413 Too Large</h1>'), false);
      break;
    case 'busy':
      intercept(plan, busyAnswer(fault.status, fault.retryAfterS), false);
      break;
    case 'login-redirect':
      intercept(plan, { status: 302, headers: { location: LOGIN_URL }, body: new Uint8Array(0) }, false);
      break;
    case 'drip':
      plan.drip = fault;
      break;
    case 'shred':
      plan.shredMs = fault.mostMs;
      break;
    case 'stream-end':
      plan.streamEnd = fault;
      break;
  }
}

const text = new TextEncoder();

export function page(status: number, html: string): SimResponse {
  return { status, headers: { 'content-type': 'text/html; charset=utf-8' }, body: text.encode(html) };
}

function portalAnswer(says: 'html' | 'garbage' | 'empty', request: SimRequest, random: SimRandom): SimResponse {
  if (says === 'html') return page(200, '<!doctype html><title>Free Wi-Fi</title>');
  const type = request.headers['accept'] ?? request.headers['content-type'] ?? 'text/html';
  const body = random.bytes(says === 'empty' ? 0 : 1 + random.int(200));
  return { status: 200, headers: { 'content-type': type }, body };
}

function busyAnswer(status: 429 | 503, retryAfterS: number | undefined): SimResponse {
  const { headers, body } = page(status, '<h1>Busy</h1>');
  return {
    status,
    body,
    headers: retryAfterS === undefined ? headers : { ...headers, 'retry-after': String(retryAfterS) },
  };
}
