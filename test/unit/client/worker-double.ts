import type {
  PageHint,
  PageReply,
  PageRequest,
  PageRequestType,
  PageScope,
  PageStatus,
} from '../../../core/protocol/page-messages.ts';
import { pageChannelName } from '../../../core/protocol/page-messages.ts';

type AnyReply = PageReply;

/** A page's partner in unit tests: real message ports and a real channel, answers written by the test. */
export interface WorkerDouble {
  readonly postMessage: (message: unknown, transfer: Transferable[]) => void;
  /** What arrived, in order. */
  readonly asked: PageRequest[];
  /** Answers requests of one type from now on; undefined leaves them unanswered. */
  readonly answer: (type: PageRequestType, reply: (request: PageRequest) => AnyReply | undefined) => void;
  readonly hint: (hint: PageHint) => void;
  readonly close: () => void;
}

export const STATUS: PageStatus = {
  engine: 'worker',
  connection: 'live',
  unsent: 0,
  refused: [],
  conflicts: 0,
  updatesReady: 0,
  atRisk: null,
  updateNeeded: false,
  lastSynced: 1,
  push: 'off',
};

export function createWorkerDouble(scope: PageScope): WorkerDouble {
  const replies = new Map<PageRequestType, (request: PageRequest) => AnyReply | undefined>();
  const channel = new BroadcastChannel(pageChannelName(scope));
  const ports: MessagePort[] = [];
  const asked: PageRequest[] = [];
  return {
    asked,
    answer: (type, reply) => void replies.set(type, reply),
    hint: (hint) => channel.postMessage(hint),
    postMessage(message, transfer) {
      // What cannot be cloned would never reach a real worker.
      const request = structuredClone(message) as PageRequest;
      const port = transfer[0] as MessagePort;
      ports.push(port);
      asked.push(request);
      const reply = replies.get(request.wakelog)?.(request);
      if (reply !== undefined) port.postMessage(reply);
    },
    close() {
      channel.close();
      for (const port of ports) port.close();
    },
  };
}
