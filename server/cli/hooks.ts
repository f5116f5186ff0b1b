import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { WakelogOptions } from '../options.ts';

type Hooks = Pick<WakelogOptions, 'authorize' | 'validate' | 'mayWrite'>;

/** The hooks that a module exports by name. Throws an explained error for a module that exports no `authorize`. */
export async function loadHooks(file: string): Promise<Hooks> {
  const module = (await import(pathToFileURL(resolve(file)).href)) as Readonly<Record<string, unknown>>;
  if (typeof module['authorize'] !== 'function') throw new Error(`${file} has to export a function authorize(request)`);
  const hooks: Record<string, unknown> = {};
  for (const name of ['authorize', 'validate', 'mayWrite']) {
    if (module[name] === undefined) continue;
    if (typeof module[name] !== 'function') throw new Error(`${file}: ${name} is to be a function`);
    hooks[name] = module[name];
  }
  return hooks;
}
