import type { Bytes } from '../../core/log/bytes.ts';

export type SqlValue = null | number | string | Bytes;

/**
 * SQL inside one transaction. Statements are compiled once for each text: values go into `?`, never into the text. `Row` is
 * the caller's word for what the statement selects.
 */
/* oxlint-disable typescript/no-unnecessary-type-parameters -- it stands for an assertion that callers would write one by one */
export interface Sql {
  readonly all: <Row extends object>(text: string, ...values: readonly SqlValue[]) => readonly Row[];
  readonly get: <Row extends object>(text: string, ...values: readonly SqlValue[]) => Row | undefined;
  readonly run: (text: string, ...values: readonly SqlValue[]) => void;
}
