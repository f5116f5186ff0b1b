import type { ErrorCode } from '../../core/protocol/errors.ts';
import { ERRORS } from '../../core/protocol/errors.ts';
import type { PageReply, PageRequest, PageScope } from '../../core/protocol/page-messages.ts';
import { failureCode } from '../failure-code.ts';
import { worker } from '../global-scope.ts';
import type { HandOver } from '../hand-over.ts';
import type { Asking, PageHandlers } from './page-requests.ts';

/** Takes note of a tab that said no hello; throws what it is refused with. */
type AdmitTab = (scope: PageScope, tab: WindowClient) => Promise<void>;

/** Requests of pages: each answered once on the port that came with it; what is no request of ours is left alone. */
export function listenMessages(
  handlers: PageHandlers,
  admitTab: AdmitTab,
  { whileInCharge, untilQuiet }: HandOver,
): void {
  worker.addEventListener('message', (event) => {
    const [port] = event.ports;
    const request = event.data as unknown;
    if (port === undefined || !isRequest(request, handlers)) return;
    const tab = event.source instanceof WindowClient ? event.source : undefined;
    // A failure after the answer is no failure of the request; the alarm or the next event goes on with it.
    const later = (work: Promise<unknown>): void => event.waitUntil(whileInCharge(work));
    const answering = answer(handlers, admitTab, request, { tab, later }).then((reply) => port.postMessage(reply));
    event.waitUntil(untilQuiet(answering));
  });
}

function isRequest(data: unknown, handlers: PageHandlers): data is PageRequest {
  const { wakelog, ask } = (data ?? {}) as { readonly wakelog?: unknown; readonly ask?: unknown };
  return typeof wakelog === 'string' && Object.hasOwn(handlers, wakelog) && typeof ask === 'object' && ask !== null;
}

function isScope({ account, space }: PageScope): boolean {
  return typeof account === 'string' && typeof space === 'string';
}

async function answer(
  handlers: PageHandlers,
  admitTab: AdmitTab,
  { wakelog, ask }: PageRequest,
  asking: Asking,
): Promise<PageReply> {
  if (!isScope(ask)) return failure('malformed');
  try {
    if (asking.tab !== undefined && wakelog !== 'hello' && wakelog !== 'leave') await admitTab(ask, asking.tab);
    // The table pairs each request with its own handler, which the types cannot follow through the union.
    const handle = handlers[wakelog] as (ask: PageRequest['ask'], asking: Asking) => Promise<never>;
    return { ok: await handle(ask, asking) };
  } catch (error) {
    return failure(failureCode(error), error instanceof Error ? error.message : undefined);
  }
}

function failure(error: ErrorCode, message: string = ERRORS[error].text): PageReply {
  return { error, message };
}
