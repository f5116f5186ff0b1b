import type { Command, CommandName, Commands, Reply } from '../commands.ts';
import { catchUp, read, write } from './engine.ts';
import { rawDownload, rawKeep, rawPuts, rawRead, rawWrite } from './raw.ts';

const worker = globalThis as unknown as ServiceWorkerGlobalScope;

const ANSWERS: { readonly [N in CommandName]: (ask: Commands[N]['ask']) => Promise<Commands[N]['answer']> } = {
  rawPuts,
  rawWrite,
  rawKeep,
  rawRead,
  rawDownload,
  write,
  read,
  catchUp,
  wake: async () => null,
};

worker.addEventListener('install', () => void worker.skipWaiting());
worker.addEventListener('activate', (event) => event.waitUntil(worker.clients.claim()));
worker.addEventListener('message', (event) => event.waitUntil(answer(event.data as Command, event.ports[0])));

async function answer(command: Command, port: MessagePort | undefined): Promise<void> {
  const reply = await run(command).then(
    (ok): Reply => ({ ok }),
    (error: unknown): Reply => ({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
  port?.postMessage(reply);
}

async function run<N extends CommandName>(command: {
  readonly name: N;
  readonly ask: Commands[N]['ask'];
}): Promise<Commands[N]['answer']> {
  return ANSWERS[command.name](command.ask);
}
