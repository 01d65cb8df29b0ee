/** Columns that a snapshot may hold. */
export type Column = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float64Array;

const kinds = { Uint8Array, Uint16Array, Uint32Array, Int32Array, Float64Array } as const;
type KindName = keyof typeof kinds;

type Directory = {
  readonly format: number;
  readonly head: unknown;
  readonly columns: readonly { readonly kind: KindName; readonly length: number }[];
};

const aligned = (length: number): number => Math.ceil(length / 8) * 8;

/**
 * A JSON head and columns as bytes: length of the directory (u32, little endian), directory as
 * JSON, then the columns as they stand in memory, each at a multiple of eight bytes.
 */
export function writeSections(format: number, head: unknown, columns: readonly Column[]) {
  const directory: Directory = {
    format,
    head,
    columns: columns.map((c) => ({ kind: c.constructor.name as KindName, length: c.length })),
  };
  const text = new TextEncoder().encode(JSON.stringify(directory));
  const start = aligned(4 + text.length);
  const total = columns.reduce((sum, column) => sum + aligned(column.byteLength), start);
  const bytes = new Uint8Array(total);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 4);
  let at = start;
  for (const column of columns) {
    bytes.set(new Uint8Array(column.buffer, column.byteOffset, column.byteLength), at);
    at += aligned(column.byteLength);
  }
  return bytes;
}

/** What `writeSections` was given. Throws an Error on another format and on damaged bytes. */
export function readSections(
  format: number,
  bytes: Uint8Array,
): { readonly head: unknown; readonly columns: readonly Column[] } {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const text = new TextDecoder().decode(bytes.subarray(4, 4 + length));
  const directory = JSON.parse(text) as Directory;
  if (directory.format !== format) {
    throw new Error(`snapshot format ${String(directory.format)} is unknown`);
  }
  let at = aligned(4 + length);
  const columns = directory.columns.map(({ kind, length: items }) => {
    // Memory of its own: one that is not outgrown would keep that of all the others.
    const column = new kinds[kind](items);
    new Uint8Array(column.buffer).set(bytes.subarray(at, at + column.byteLength));
    at += aligned(column.byteLength);
    return column;
  });
  if (at !== bytes.length) throw new Error('a snapshot has too few or too many bytes');
  return { head: directory.head, columns };
}
