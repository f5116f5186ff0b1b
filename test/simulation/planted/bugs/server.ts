import type { PlantedBug } from '../bug.ts';

/** Mistakes of the server. */
export const SERVER_BUGS: readonly PlantedBug[] = [
  {
    name: 'acknowledged-before-durable',
    file: 'server/spaces/open-space.ts',
    find: "mergeDurability: 'strict',",
    replace: "mergeDurability: 'relaxed',",
    why: 'the device keeps its copy',
    faults: ['server-power-cut'],
  },
  {
    name: 'canary-not-covered',
    file: 'server/sync/answer-sync.ts',
    find: 'await space.cover();',
    replace: '',
    why: 'the canary file is written when the space is closed',
    faults: ['server-restore'],
  },
  {
    name: 'restore-goes-unnoticed',
    file: 'server/spaces/open-space.ts',
    find: 'if (await isOlderThanMarked(await readMark(canaryPath, files), store, epoch)) {',
    replace: 'if ((await isOlderThanMarked(await readMark(canaryPath, files), store, epoch)) && (await store.position()) === 0) {',
    why: 'only an empty database has lost anything',
    faults: ['server-restore'],
  },
  {
    name: 'own-log-extended-after-restore',
    file: 'server/spaces/open-space.ts',
    find: 'epoch = await changeEpoch(store, ports.crypto);\n    await keys.replace();',
    replace: 'epoch = await changeEpoch(store, ports.crypto);',
    why: 'the key file was not restored, so the key is good',
    faults: ['server-restore'],
  },
  {
    name: 'epoch-kept-after-restore',
    file: 'server/spaces/open-space.ts',
    find: 'epoch = await changeEpoch(store, ports.crypto);\n    await keys.replace();',
    replace: 'await keys.replace();',
    why: 'a new own log is what devices look at',
    faults: ['server-restore', 'server-kill'],
  },
  {
    name: 'vectors-never-asked-for',
    file: 'server/sync/answer-sync.ts',
    find: "const mustCompare = cursorVerdict !== undefined && cursorVerdict !== 'known' && part.vector === undefined;",
    replace: 'const mustCompare = false;',
    why: 'whoever has no good cursor gets everything again',
    faults: ['server-restore'],
  },
  {
    name: 'carried-too-much',
    file: 'server/sync/give-runs.ts',
    find: 'return next > last;',
    replace: 'return ranges.length > 0;',
    why: 'who sends of a log has the log',
    faults: ['server-restore'],
  },
  {
    name: 'carried-by-a-copy',
    file: 'server/sync/live-connections.ts',
    find: 'if (connection.party.life === party.life) connection.noteCarried(ranges);',
    replace: 'connection.noteCarried(ranges);',
    why: 'a device is known by its name',
    faults: ['clone-profile'],
  },
  {
    name: 'live-feed-skips-one',
    file: 'server/sync/live-feed.ts',
    find: 'position = given.position;',
    replace: 'position = given.position + (given.runs.length > 1 ? 1 : 0);',
    why: 'the next one comes after the last one',
  },
  {
    name: 'bell-rung-in-vain',
    file: 'server/sync/live-session.ts',
    find: `bell.reset();
        const frame = await feed.next();`,
    replace: `const frame = await feed.next();
        bell.reset();`,
    why: 'what rang before is done',
  },
  {
    name: 'position-read-last',
    file: 'server/sync/give-runs.ts',
    find: 'return { runs, bytes, position, level: true };',
    replace: 'return { runs, bytes, position: Math.max(position, await store.position()), level: true };',
    why: 'a newer position saves a round',
  },
  {
    name: 'anybody-enrols-for-anybody',
    file: 'server/sync/gate.ts',
    find: "if (session.account !== undefined && account !== session.account) return { code: 'unenrolled' };",
    replace: '',
    why: 'the log says whose it is',
    faults: ['byzantine'],
  },
  {
    name: 'authority-keys-not-durable',
    file: 'server/spaces/authority-keys.ts',
    find: 'await files.writeAtomically(path, JSON.stringify(next));',
    replace: 'if (stored === undefined) await files.writeAtomically(path, JSON.stringify(next));',
    why: 'there is one key, and it is written',
    faults: ['server-restore', 'server-kill'],
  },
  {
    name: 'verdict-after-its-entry',
    file: 'server/sync/take-runs.ts',
    find: `if (statements.length > 0) {
      await space.prepareOwnLog();
      await space.replica.state(statements);
    }
    return await merge(space, gate, admitted, refuse);`,
    replace: `const taken = await merge(space, gate, admitted, refuse);
    if (statements.length > 0) {
      await space.prepareOwnLog();
      await space.replica.state(statements);
    }
    return taken;`,
    why: 'first the entry, then what is said of it',
    faults: ['server-kill', 'server-disk-error', 'server-power-cut'],
  },
];
