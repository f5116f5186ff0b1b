import { openSqliteStore } from '../../../server/storage/sqlite-store.ts';

// Appends to the database that is named, several at once, and prints the position of each append once it is durable.
const { rows } = openSqliteStore(process.argv[2] ?? '').space('a');

async function appendForever(): Promise<never> {
  for (;;) {
    const position = await rows.write('strict', async (tx) => {
      const next = Number((await tx.value('position')) ?? 0) + 1;
      await tx.putArrival({ position: next, log: 'a log', first: next, last: next, bytes: 1 });
      await tx.putValue('position', String(next));
      return next;
    });
    process.stdout.write(`${position}\n`);
  }
}

await Promise.all(Array.from({ length: 5 }, appendForever));
