import { compareText } from '../log/bytes.ts';
import type { Json } from '../log/body.ts';
import type { Awaitable } from '../log/bytes.ts';

/** A shard is written anew when one of its rows changes: small enough for that, large enough to read 100,000 rows quickly. */
const TARGET_SHARD_CHARS = 32_768;

/** Rows under text keys, in the order of the keys' bytes, loaded and written a shard at a time. */
export interface ShardedTable<Row> {
  readonly get: (key: string) => Awaitable<Row | undefined>;
  /** Sets a row in memory. The key must have been asked for with `get` before, so that its shard is here. */
  readonly set: (key: string, row: Row) => void;
  readonly withPrefix: (prefix: string) => Promise<[key: string, row: Row][]>;
  /** What has to be written for the changes since the last call. */
  readonly takeChanges: () => TableChanges;
}

export interface TableChanges {
  readonly put: ReadonlyMap<string, string>;
  /** To be called when they could not be written after all. */
  readonly undo: () => void;
}

export interface RowCodec<Row> {
  /** The JSON text that a row is stored as. */
  readonly toText: (row: Row) => string;
  readonly fromJson: (json: Json) => Row;
}

interface Shard<Row> {
  /** Lowest key that belongs here; '' for the first shard, so that every key has a home. */
  readonly from: string;
  rows: Map<string, Row> | undefined;
  changed: boolean;
}

/**
 * @param prefix what this table's shard keys begin with in the view's store
 * @param stored keys of the view's stored shards, of all tables
 * @param load reads shards of the view by their keys
 */
export function createShardedTable<Row>(
  prefix: string,
  stored: readonly string[],
  load: (keys: readonly string[]) => Promise<readonly (string | undefined)[]>,
  codec: RowCodec<Row>,
): ShardedTable<Row> {
  let shards: Shard<Row>[] = stored
    .filter((key) => key.startsWith(prefix))
    .map((key): Shard<Row> => ({ from: key.slice(prefix.length), rows: undefined, changed: false }))
    .toSorted((a, b) => compareText(a.from, b.from));
  if (shards[0]?.from !== '') shards = [{ from: '', rows: new Map(), changed: false }, ...shards];

  /** Where the last key was found: a row that is read is often written next, and keys often come in order. */
  let lastIndex = 0;

  function indexOf(key: string): number {
    if (!isWithin(key, lastIndex)) lastIndex = search(key);
    return lastIndex;
  }

  function isWithin(key: string, index: number): boolean {
    const [shard, next] = [shards[index], shards[index + 1]];
    return shard !== undefined && compareText(shard.from, key) <= 0 && (next === undefined || compareText(key, next.from) < 0);
  }

  function search(key: string): number {
    let [low, high] = [0, shards.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (compareText(shards[middle]?.from ?? '', key) <= 0) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  function shardOf(key: string): Shard<Row> {
    const shard = shards[indexOf(key)];
    if (shard === undefined) throw new Error('a table has at least one shard');
    return shard;
  }

  async function loadAll(wanted: readonly Shard<Row>[]): Promise<void> {
    const missing = wanted.filter((shard) => shard.rows === undefined);
    if (missing.length === 0) return;
    const texts = await load(missing.map((shard) => prefix + shard.from));
    for (const [i, shard] of missing.entries()) {
      // Another reader may have loaded, and a writer changed it, meanwhile.
      shard.rows ??= parseShard(texts[i] ?? '[]', codec);
    }
  }

  function get(key: string): Awaitable<Row | undefined> {
    const shard = shardOf(key);
    return shard.rows === undefined ? loadAll([shard]).then(() => shardOf(key).rows?.get(key)) : shard.rows.get(key);
  }

  function set(key: string, row: Row): void {
    const shard = shardOf(key);
    if (shard.rows === undefined) throw new Error('a row is read before it is written');
    shard.rows.set(key, row);
    shard.changed = true;
  }

  function shardsWith(prefixOfKeys: string): readonly Shard<Row>[] {
    const first = indexOf(prefixOfKeys);
    let end = first + 1;
    while (end < shards.length && (shards[end]?.from ?? '').startsWith(prefixOfKeys)) end += 1;
    return shards.slice(first, end);
  }

  async function withPrefix(wanted: string): Promise<[string, Row][]> {
    let inside = shardsWith(wanted);
    // Written meanwhile, shards are others now: what is read has to be of one moment.
    while (inside.some(({ rows }) => rows === undefined)) {
      await loadAll(inside);
      inside = shardsWith(wanted);
    }
    const found: [string, Row][] = [];
    for (const { rows } of inside) for (const item of rows ?? []) if (item[0].startsWith(wanted)) found.push(item);
    return found.toSorted(([a], [b]) => compareText(a, b));
  }

  function takeChanges(): TableChanges {
    const put = new Map<string, string>();
    const written: Shard<Row>[] = [];
    shards = shards.flatMap((shard) => {
      if (!shard.changed || shard.rows === undefined) return [shard];
      const pieces = splitShard(shard.from, shard.rows, codec);
      for (const piece of pieces) put.set(prefix + piece.shard.from, piece.text);
      written.push(...pieces.map((piece) => piece.shard));
      return pieces.map((piece) => piece.shard);
    });
    return {
      put,
      undo() {
        for (const shard of written) shard.changed = true;
      },
    };
  }

  return { get, set, withPrefix, takeChanges };
}

function parseShard<Row>(text: string, codec: RowCodec<Row>): Map<string, Row> {
  const rows = new Map<string, Row>();
  for (const [key, row] of JSON.parse(text) as [string, Json][]) rows.set(key, codec.fromJson(row));
  return rows;
}

function splitShard<Row>(
  from: string,
  rows: ReadonlyMap<string, Row>,
  codec: RowCodec<Row>,
): { readonly shard: Shard<Row>; readonly text: string }[] {
  const pieces: { shard: Shard<Row>; text: string }[] = [];
  let texts: string[] = [];
  let chars = 0;
  let piece: Shard<Row> = { from, rows: new Map(), changed: false };
  for (const key of inOrder(rows)) {
    const row = rows.get(key) as Row;
    const text = `[${JSON.stringify(key)},${codec.toText(row)}]`;
    if (chars > 0 && chars + text.length > TARGET_SHARD_CHARS) {
      pieces.push({ shard: piece, text: `[${texts.join(',')}]` });
      [texts, chars] = [[], 0];
      piece = { from: key, rows: new Map(), changed: false };
    }
    texts.push(text);
    chars += text.length;
    piece.rows?.set(key, row);
  }
  pieces.push({ shard: piece, text: `[${texts.join(',')}]` });
  return pieces;
}

/** Rows lie in order as they were read; only new ones come at the end. */
function inOrder(rows: ReadonlyMap<string, unknown>): readonly string[] {
  const keys = [...rows.keys()];
  const isSorted = keys.every((key, i) => i === 0 || compareText(keys[i - 1] ?? '', key) < 0);
  return isSorted ? keys : keys.toSorted(compareText);
}
