import { APPEND_CASES } from './cases/append.ts';
import { ARRIVAL_CASES } from './cases/arrival.ts';
import { BODY_CASES } from './cases/bodies.ts';
import { CONCURRENCY_CASES } from './cases/concurrency.ts';
import { FAILURE_CASES } from './cases/failure.ts';
import { FORK_CASES } from './cases/fork.ts';
import type { ContractCase } from './contract.ts';

/** What every engine has to do, word for word the same: there is no rule that differs per engine. */
export const LOG_STORE_CASES: readonly ContractCase[] = [
  ...APPEND_CASES,
  ...FORK_CASES,
  ...ARRIVAL_CASES,
  ...BODY_CASES,
  ...CONCURRENCY_CASES,
  ...FAILURE_CASES,
];
