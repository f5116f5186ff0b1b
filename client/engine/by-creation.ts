import type { PageItem } from '../../core/protocol/page-messages.ts';

/** The order of every list: that in which keys were created. */
export function byCreation(a: PageItem, b: PageItem): number {
  if (a.created === b.created) return 0;
  return a.created < b.created ? -1 : 1;
}
