import type { PageHint, PageScope } from '../../core/protocol/page-messages.ts';
import { pageChannelName } from '../../core/protocol/page-messages.ts';

export interface HintListeners {
  readonly onHint: (hint: PageHint) => void;
  /** Hints were missed, or may have been: read everything again. `newLife`: the worker started anew. */
  readonly onGap: (newLife: boolean) => void;
}

/** Follows the worker's hints and notices when one is missing (PAGE3). Returns the way to stop. */
export function followHints(scope: PageScope, { onHint, onGap }: HintListeners): () => void {
  const channel = new BroadcastChannel(pageChannelName(scope));
  let last: PageHint | undefined;
  channel.addEventListener('message', ({ data }: MessageEvent<PageHint>) => {
    const previous = last;
    last = data;
    if (previous !== undefined && previous.life !== data.life) onGap(true);
    else if (previous !== undefined && data.count !== previous.count + 1) onGap(false);
    onHint(data);
  });
  return () => channel.close();
}
