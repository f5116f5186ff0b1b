import type { PageStatus } from '../../core/protocol/page-messages.ts';

/** What a ribbon says, by the attribute that replaces it. `{count}` stands for the number of updates. */
export const RIBBON_TEXTS = {
  'text-one': 'You have 1 new update',
  'text-many': 'You have {count} new updates',
  accept: 'Show',
  'text-changed': 'This page has newer content',
  'text-version': 'A new version of this page is ready',
  reload: 'Reload',
  'text-sign-in': 'Sign in again to send your changes',
  'sign-in': 'Sign in',
  'text-full': 'This device has no room left for new changes',
  'text-evictable': 'Some changes are on this device only',
  dismiss: 'OK',
} as const;

export type RibbonText = keyof typeof RIBBON_TEXTS;

/** What a click on the button does. */
export type RibbonAction = 'accept' | 'reload' | 'sign-in' | 'dismiss';

export interface RibbonNote {
  readonly text: RibbonText;
  readonly button: RibbonText;
  readonly action: RibbonAction;
}

export interface RibbonFacts {
  readonly status: PageStatus;
  /** Another tab accepted updates that this page does not show. */
  readonly stale: boolean;
  readonly newVersion: boolean;
  /** Notes that the user has put away. */
  readonly dismissed: ReadonlySet<RibbonText>;
}

/** The one thing worth saying now, the most useful first; undefined: nothing (PAGE6). */
export function toRibbonNote({ status, stale, newVersion, dismissed }: RibbonFacts): RibbonNote | undefined {
  if (status.updatesReady > 0) {
    return { text: status.updatesReady === 1 ? 'text-one' : 'text-many', button: 'accept', action: 'accept' };
  }
  if (stale) return { text: 'text-changed', button: 'accept', action: 'reload' };
  if (newVersion || status.updateNeeded) return { text: 'text-version', button: 'reload', action: 'reload' };
  if (status.connection === 'needs-auth') return { text: 'text-sign-in', button: 'sign-in', action: 'sign-in' };
  const risk = toRiskText(status);
  if (risk === undefined || dismissed.has(risk)) return undefined;
  return { text: risk, button: 'dismiss', action: 'dismiss' };
}

/** Storage that may be cleared is worth a word only while something lies in it that is nowhere else. */
function toRiskText({ atRisk, unsent, connection }: PageStatus): RibbonText | undefined {
  if (atRisk === 'evictable') return unsent > 0 && connection === 'offline' ? 'text-evictable' : undefined;
  return atRisk === null ? undefined : `text-${atRisk}`;
}
