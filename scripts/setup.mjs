// `npm run setup`: everything that `npm test` and `npm start` need, and that they would do themselves.
import { ensureBrowsers } from './browsers.mjs';
import { ensureDependencies } from './dependencies.mjs';
import { runMain, say } from './tools.mjs';

await runMain(async () => {
  await ensureDependencies();
  const { env, missing } = await ensureBrowsers();
  for (const [variable, path] of Object.entries(env)) say(`${variable} = ${path}`);
  say(missing.length === 0 ? 'all is set up' : `all is set up but ${missing.join(', ')}`);
});
