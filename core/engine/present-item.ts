import type { PageItem } from '../protocol/page-messages.ts';
import type { Item } from '../views/key-value/item.ts';
import { readMemory } from './exchange.ts';
import type { Replica } from './replica.ts';

/** Shows an item to people: the displayed version, and whether a server has it. */
export type PresentItem = (item: Item) => PageItem;

/** How items are to be shown as things stand; made once for a whole list. */
export async function createPresenter(replica: Replica): Promise<PresentItem> {
  const own = replica.ownLog();
  const acknowledged = own === undefined ? -1 : ((await readMemory(replica.store)).acknowledged.get(own) ?? -1);
  return ({ key, live, conflict, incomplete, created }) => {
    const [shown] = live;
    return {
      key,
      value: shown.value,
      deleted: shown.deleted,
      ids: live.map(({ id }) => id),
      conflict,
      incomplete,
      unsent: shown.log === own && shown.sequence > acknowledged,
      // Fixed width, so that texts compare as the numbers do.
      created: `${created.lamport.toString(36).padStart(11, '0')}.${created.log}.${created.sequence.toString(36).padStart(11, '0')}`,
    };
  };
}

/** In the order in which the keys were created (design §10). */
export function byCreation(a: PageItem, b: PageItem): number {
  return a.created < b.created ? -1 : a.created > b.created ? 1 : 0;
}
