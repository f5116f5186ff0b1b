import type * as SqliteLibrary from 'node:sqlite';

/** Opens a database file with node:sqlite, or says in plain words why this Node cannot. */
export function openDatabase(path: string): SqliteLibrary.DatabaseSync {
  return new (loadLibrary().DatabaseSync)(path);
}

/**
 * Node 22 and 24 warn on loading that SQLite is experimental: to operators, noise. A static import would warn before any
 * code could prevent it.
 */
function loadLibrary(): typeof SqliteLibrary {
  const emitWarning = process.emitWarning.bind(process);
  const original = Object.getOwnPropertyDescriptor(process, 'emitWarning');
  process.emitWarning = (warning: string | Error, ...rest: never[]) => {
    if (!isAboutSqlite(warning, rest[0])) emitWarning(warning, ...rest);
  };
  try {
    const library = process.getBuiltinModule('node:sqlite') as typeof SqliteLibrary | undefined;
    if (library === undefined)
      throw new Error(`wakelog's server needs Node 22.13 or newer; this is ${process.version}`);
    return library;
  } finally {
    if (original !== undefined) Object.defineProperty(process, 'emitWarning', original);
  }
}

function isAboutSqlite(warning: string | Error, type: unknown): boolean {
  const [text, name] = warning instanceof Error ? [warning.message, warning.name] : [warning, type];
  return name === 'ExperimentalWarning' && text.startsWith('SQLite');
}
