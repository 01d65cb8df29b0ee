type Column = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float64Array;

/** The column itself, or a copy with room for `length` items and a quarter more. */
export function grown<T extends Column>(column: T, length: number): T {
  if (length <= column.length) return column;
  const larger = new (column.constructor as new (length: number) => T)(Math.ceil(length * 1.25));
  larger.set(column);
  return larger;
}
