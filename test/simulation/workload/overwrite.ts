import type { Page, SimTab } from '../browser/sim-tab.ts';
import type { Write } from '../checks/ledger.ts';
import type { World } from '../world/world.ts';

export interface OverwriteOptions {
  readonly world: World;
  readonly tab: SimTab;
  /** Nothing that happens in this world makes a device forget what it has seen. */
  readonly seesOwnWrites: boolean;
  /** Nobody else writes. */
  readonly isAlone: boolean;
}

/**
 * What its writer sees after a write: the write, not what was displayed before it, whoever's clock says what (VIEW10,
 * LOG17). And who is alone in the world never meets a conflict.
 */
export async function checkOverwrite(page: Page, user: OverwriteOptions, key: string, write: () => Promise<Write>): Promise<void> {
  const { world, tab } = user;
  const before = await page.ask('item', { ...tab.scope, key });
  const { acknowledgedAt, number } = await write();
  const after = await page.ask('item', { ...tab.scope, key });
  if (!user.seesOwnWrites || acknowledgedAt === undefined) return;
  const [displayed] = after?.ids ?? [];
  if (displayed === undefined) world.fail('VIEW10', `write ${number} of ${key} was acknowledged, and nothing is displayed`);
  else if (before?.ids.includes(displayed) === true) world.fail('LOG17', `write ${number} of ${key} was acknowledged, and what was there before it is displayed`);
  if (user.isAlone && after?.conflict === true) world.fail('VIEW10', `nobody else writes, and write ${number} of ${key} is in conflict`);
}
