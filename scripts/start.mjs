// `npm start`: sets everything up on a fresh clone and runs the demo server, which prints its address.
import { build, isBuilt } from './build.mjs';
import { ensureDependencies } from './dependencies.mjs';
import { run, runMain, say } from './tools.mjs';

const DEMO = 'examples/task-list/server.ts';

await runMain(async () => {
  await ensureDependencies();
  if (!isBuilt()) {
    say('building dist/ …');
    await build();
  }
  return run('node', [DEMO, ...process.argv.slice(2)]);
});
