import type { PageItem } from '../protocol/page-messages.ts';
import type { Item, Version } from '../views/key-value/item.ts';
import { creationToText } from './item-order.ts';
import { copiedAbove } from './own-copies.ts';
import { sentEnds } from './own-entries.ts';
import type { Replica } from './replica.ts';

/** Tells of a version whether no server has acknowledged it yet; read once, good for all versions of one answer. */
export async function unsentOf(replica: Replica): Promise<(version: Version) => boolean> {
  const ends = await sentEnds(replica);
  const isCopyUnsent = await copiedAbove(replica, ends.get(replica.ownLog() ?? '') ?? -1);
  return ({ log, sequence, id }) => sequence > (ends.get(log) ?? Infinity) || isCopyUnsent(id);
}

/** An item as people see it: the displayed version, and what they should know of the others. */
export function itemToPage(item: Item, isUnsent: (version: Version) => boolean): PageItem {
  const [shown] = item.live;
  return {
    key: item.key,
    value: shown.value,
    deleted: shown.deleted,
    ids: item.live.map(({ id }) => id),
    conflict: item.conflict,
    incomplete: item.incomplete,
    unsent: isUnsent(shown),
    created: creationToText(item.created),
  };
}
