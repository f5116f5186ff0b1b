import type { Bytes } from '../../../core/log/bytes.ts';

/** The same pieces are the same bytes: whoever remembers what a row holds finds it again. */
const joinedByFirst = new WeakMap<Bytes, { readonly pieces: readonly Bytes[]; readonly bytes: Bytes }>();

export function joinPieces(pieces: readonly Bytes[]): Bytes {
  const [first] = pieces;
  const known = first && joinedByFirst.get(first);
  if (known?.pieces.length === pieces.length && known.pieces.every((piece, i) => piece === pieces[i])) return known.bytes;
  const bytes = new Uint8Array(Buffer.concat(pieces));
  if (first !== undefined) joinedByFirst.set(first, { pieces, bytes });
  return bytes;
}
