import type { Item } from '../../views/key-value/item.ts';
import type { RestRequest } from './rest-message.ts';

/** What an `If-Match` or `If-None-Match` names: every version, or some. */
type Tags = '*' | readonly { readonly tag: string; readonly weak: boolean }[];

/** The conditional headers of RFC 9110 §13 that collections know. */
export interface Conditions {
  readonly ifMatch: Tags | undefined;
  readonly ifNoneMatch: Tags | undefined;
}

const ENTITY_TAG = /(W\/)?"([\x21\x23-\x7e\x80-\xff]+)"/g;

export function readConditions(headers: RestRequest['headers']): Conditions {
  return { ifMatch: readTags(headers('if-match')), ifNoneMatch: readTags(headers('if-none-match')) };
}

/** What is in no tag's form names no version, so a garbled `If-Match` never lets a write through. */
function readTags(header: string | undefined): Tags | undefined {
  if (header === undefined) return undefined;
  if (header.trim() === '*') return '*';
  return [...header.matchAll(ENTITY_TAG)].map(([, weak, tag = '']) => ({ tag, weak: weak !== undefined }));
}

/** The ids of an item's live entries: what a reader saw, and what a write that quotes it supersedes (CAP24). */
export function itemTag(item: Item): string {
  return liveIds(item).join(',');
}

export function liveIds(item: Item): string[] {
  return item.live.map((version) => version.id);
}

/** Whether a write may go ahead. `tag` is the present one, undefined for an item that is missing or deleted. */
export function allowsWrite({ ifMatch, ifNoneMatch }: Conditions, tag: string | undefined): boolean {
  if (ifMatch !== undefined && !(tag !== undefined && names(ifMatch, tag, 'strong'))) return false;
  return ifNoneMatch === undefined || tag === undefined || !names(ifNoneMatch, tag, 'weak');
}

/** Whether the reader has this version already (304). */
export function isFresh({ ifNoneMatch }: Conditions, tag: string): boolean {
  return ifNoneMatch !== undefined && names(ifNoneMatch, tag, 'weak');
}

function names(tags: Tags, tag: string, comparison: 'strong' | 'weak'): boolean {
  if (tags === '*') return true;
  return tags.some((each) => each.tag === tag && (comparison === 'weak' || !each.weak));
}
