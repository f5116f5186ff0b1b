import { openIndexedDbStore } from '../../../sw/storage/indexeddb-store.ts';
import type { ContractCase } from '../../contract/contract.ts';
import { runCase } from '../../contract/contract.ts';
import { indexedDbEngine } from '../../contract/engines/indexeddb.ts';
import { LOG_STORE_CASES } from '../../contract/log-store.contract.ts';
import { VIEW_STORE_CASES } from '../../contract/view-store.contract.ts';

/** What the page asks of this worker; answers go to the site as evidence. */
export type ContractTask = { readonly run: ContractCase['room'] } | { readonly outlive: string };

const CASES = [...LOG_STORE_CASES, ...VIEW_STORE_CASES];

addEventListener('message', ({ data }: MessageEvent<ContractTask>) => {
  void ('run' in data ? runCases(data.run) : outlive(data.outlive));
});

async function runCases(room: ContractCase['room']): Promise<void> {
  const cases = CASES.filter((contractCase) => contractCase.room === room);
  const failures: string[] = [];
  for (const contractCase of cases) {
    try {
      await runCase(indexedDbEngine, contractCase);
    } catch (error) {
      failures.push(`${contractCase.title}: ${String(error)}`);
    }
  }
  await report({ ran: room, cases: cases.length, failures });
}

/** Writes, waits until the browser takes the database away, and reports what the store says then and when opened again. */
async function outlive(name: string): Promise<void> {
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  const store = await openIndexedDbStore(name, { onGone: resolve });
  await store.rows.write('strict', (rows) => rows.putValue('kept', 'value'));
  await report({ outlive: 'written' });
  await gone;
  const nameOf = (error: unknown): string => (error instanceof Error ? error.name : String(error));
  const reading = await store.rows.read((rows) => rows.value('kept')).catch(nameOf);
  const writing = await store.rows.write('strict', (rows) => rows.putValue('kept', 'again')).catch(nameOf);
  const viewing = await store.views.open('items').catch(nameOf);
  const again = await openIndexedDbStore(name);
  const afterwards = (await again.rows.read((rows) => rows.value('kept'))) ?? 'nothing';
  await again.close();
  await report({ outlive: 'gone', reading, writing, viewing, afterwards });
}

async function report(evidence: Readonly<Record<string, unknown>>): Promise<void> {
  await fetch('/evidence', { method: 'POST', body: JSON.stringify(evidence) });
}
