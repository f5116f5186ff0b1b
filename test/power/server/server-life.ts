import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { killTree } from '../../platform/parts/processes.ts';
import type { Scratch } from '../../platform/parts/scratch.ts';
import type { ServerProcess } from '../../platform/server-process.ts';
import type { Figures } from '../job.ts';
import { NO_FIGURES } from '../job.ts';
import type { CutOptions } from '../power-cut.ts';
import { createPowerCutDisk } from '../power-cut.ts';
import type { LeftBehind } from './power-disk.ts';
import { itemName, readLeftBehind } from './power-disk.ts';
import type { PowerServer } from './power-server.ts';
import { createPowerServer } from './power-server.ts';
import type { Acknowledgement, PowerWriter } from './power-writers.ts';
import { createWriters } from './power-writers.ts';

/** How a server's life is ended again and again. */
export type Death = 'power-cut' | 'kill';

export interface LifeOptions {
  readonly death: Death;
  readonly times: number;
  readonly random: () => number;
  /** The server dies within so long after its writers began. */
  readonly writingMs: number;
  /** Called after each death. */
  readonly onDeath?: (soFar: Figures) => void;
}

/** Of the starts, so many are cut off within `STARTING_MS`: making or opening the database. */
const SHARE_OF_HALF_STARTS = 0.15;
const STARTING_MS = 500;

/**
 * One data folder under writers, through `times` deaths. After each, everything that was ever acknowledged has to be there
 * once, the epoch is the same, and devices that were level go on. At the end everything is there that was ever written.
 */
export async function liveThrough(scratch: Scratch, options: LifeOptions): Promise<Figures> {
  const { death, times, onDeath } = options;
  const world = await createWorld(scratch, { ...options, disk: 'honest' });
  const count = createCount();
  let figures = NO_FIGURES;
  for (let i = 0; i < times; i++) {
    await dieOnce(world);
    const { acknowledged, lost, doubled } = count(world.writers, await readLeftBehind(scratch, world.dataDir));
    figures = {
      ...figures,
      acknowledged,
      lost,
      doubled,
      ...(death === 'kill' ? { kills: i + 1 } : { powerCuts: i + 1 }),
    };
    onDeath?.(figures);
  }
  await expectAllThere(scratch, world);
  return figures;
}

/** The control: the disk says yes to every fsync and keeps nothing. */
export async function dieOnLyingDisk(
  scratch: Scratch,
  options: Pick<LifeOptions, 'random' | 'writingMs'>,
): Promise<Figures['control']> {
  const world = await createWorld(scratch, { ...options, death: 'power-cut', disk: 'lying' });
  const started = await world.server.start();
  for (const writer of world.writers) await writer.write();
  await writeUntilDeath(world, started);
  const { acknowledged, lost } = createCount()(world.writers, await readLeftBehind(scratch, world.dataDir));
  return { powerCuts: 1, acknowledged, lost };
}

interface World {
  readonly dataDir: string;
  readonly server: PowerServer;
  readonly writers: readonly PowerWriter[];
  readonly random: () => number;
  readonly writingMs: number;
  /** Returns when the process is gone. */
  readonly end: (pid: number) => Promise<void>;
}

interface WorldOptions extends Pick<LifeOptions, 'death' | 'random' | 'writingMs'> {
  readonly disk: 'honest' | 'lying';
}

async function createWorld(scratch: Scratch, options: WorldOptions): Promise<World> {
  const { death, disk, random, writingMs } = options;
  const { env, ...place } = death === 'kill' ? plainFolder(scratch) : await powerCutFolder(scratch, disk, random);
  const server = await createPowerServer(scratch, { dataDir: place.dataDir, env });
  return { ...place, server, writers: await createWriters(scratch, server.origin, random), random, writingMs };
}

interface Place extends Pick<World, 'dataDir' | 'end'> {
  readonly env: Readonly<Record<string, string>>;
}

function plainFolder(scratch: Scratch): Place {
  return { dataDir: scratch.folder('server-data'), env: {}, end: killTree };
}

async function powerCutFolder(scratch: Scratch, kind: 'honest' | 'lying', random: () => number): Promise<Place> {
  const disk = await createPowerCutDisk({ folder: scratch.folder('disk'), disk: kind, names: 'posix' });
  const how = (): CutOptions => ({
    names: random() < 0.5 ? 'synced' : 'newest',
    bytes: kind === 'honest' && random() < 0.5 ? 'torn' : 'lost',
    random,
  });
  // Made by the server itself: its name has to be durable too.
  return { dataDir: join(disk.folder, 'data'), env: disk.env, end: (pid) => disk.cut(pid, how()) };
}

async function dieOnce(world: World): Promise<void> {
  const { server, random, end } = world;
  if (random() < SHARE_OF_HALF_STARTS) await end(await server.startHalf(random() * STARTING_MS));
  else await writeUntilDeath(world, await server.start());
}

async function writeUntilDeath(
  { server, writers, random, writingMs, end }: World,
  { pid, log }: ServerProcess,
): Promise<void> {
  await expectLevel(writers);
  const stopping = new AbortController();
  const writing = Promise.all(writers.map((writer) => writeOn(writer, stopping.signal)));
  await delay(random() * writingMs);
  await end(pid);
  server.isGone();
  stopping.abort();
  await writing.catch((error: unknown) => {
    throw new Error(
      `the server had said:\n${log
        .all('line')
        .map(({ text }) => text)
        .join('\n')}`,
      { cause: error },
    );
  });
  const complaints = log.all('line').filter(({ text }) => /new epoch|error/i.test(text));
  if (complaints.length > 0) throw new Error(`the server said: ${complaints.map(({ text }) => text).join('\n')}`);
}

/** Until it is told to stop, or the server is gone. */
async function writeOn({ write }: PowerWriter, until: AbortSignal): Promise<void> {
  let outcome = 'level';
  while (!until.aborted && outcome === 'level') outcome = await write();
}

async function expectLevel(writers: readonly PowerWriter[]): Promise<void> {
  // Once more, for an exchange of a device's own that was under way before the server was.
  const outcomes = await Promise.all(writers.map(async ({ sync }) => ((await sync()) === 'level' ? 'level' : sync())));
  if (outcomes.some((outcome) => outcome !== 'level')) throw new Error(`after a start: ${outcomes.join(', ')}`);
}

/** Everything that was written, acknowledged before or only now, is at the server once. */
async function expectAllThere(scratch: Scratch, { dataDir, server, writers }: World): Promise<void> {
  const { kill } = await server.start();
  await expectLevel(writers);
  const left = writers.reduce((sum, { open }) => sum + open(), 0);
  if (left > 0) throw new Error(`${left} writes were not acknowledged by a level server`);
  await kill();
  server.isGone();
  const { lost, doubled } = createCount()(writers, await readLeftBehind(scratch, dataDir));
  if (lost + doubled > 0) throw new Error(`at the end ${lost} are lost and ${doubled} doubled`);
}

type Count = (writers: readonly PowerWriter[], found: LeftBehind) => Pick<Figures, 'acknowledged' | 'lost' | 'doubled'>;

/** Counts what was ever lost or doubled in this life, each item once; a change of the epoch throws. */
function createCount(): Count {
  const lost = new Set<string>();
  const doubled = new Set<string>();
  let known: string | undefined;
  return (writers, { entries, uncovered, epoch }) => {
    const acknowledged = writers.flatMap((writer): readonly Acknowledgement[] => writer.acknowledged);
    for (const { space, item, entry } of acknowledged) {
      const name = itemName(space, item);
      if (!(entries.get(name) ?? []).includes(entry)) lost.add(name);
      if (uncovered.has(name)) throw new Error(`${name} was told of before the canary file knew of it`);
    }
    for (const [name, ids] of entries) if (ids.length > 1) doubled.add(name);
    if (known !== undefined && epoch !== known) throw new Error(`the epoch was ${known} and is ${epoch}`);
    // What nobody was told about may be lost: only then does the epoch count.
    if (acknowledged.length > 0) known = epoch;
    return { acknowledged: acknowledged.length, lost: lost.size, doubled: doubled.size };
  };
}
