/**
 * Arrays as parameters, in PostgreSQL's binary form (src/backend/utils/adt/arrayfuncs.c, array_recv): bodies and
 * documents cross as they are, where the textual form would escape each quotation mark and double each octet.
 */

/** Object ids of the element types (src/include/catalog/pg_type.dat). */
const BYTEA = 17
const INT8 = 20
const TEXT = 25

/** Dimensions, whether there are nulls, element type; then length and lower bound of the one dimension. */
const HEADER_BYTES = 20
const NULL_LENGTH = -1

type Elements = { readonly type: number; readonly lengths: readonly number[]; readonly hasNull: boolean }

/** A `text[]`. U+0000, which PostgreSQL does not keep, becomes U+FFFD. */
export function textArray(values: readonly (string | null)[]): Buffer {
  const texts = values.map((value) => (value?.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value))
  const lengths = texts.map((text) => (text === null ? NULL_LENGTH : Buffer.byteLength(text)))
  return encode({ type: TEXT, lengths, hasNull: texts.includes(null) }, (array, at, index) =>
    array.write(texts[index] ?? '', at),
  )
}

/** A `bigint[]` of safe integers. */
export function integerArray(values: readonly (number | null)[]): Buffer {
  const lengths = values.map((value) => (value === null ? NULL_LENGTH : 8))
  return encode({ type: INT8, lengths, hasNull: values.includes(null) }, (array, at, index) =>
    array.writeBigInt64BE(BigInt(values[index] ?? 0), at),
  )
}

/** A `bytea[]`. */
export function bytesArray(values: readonly Uint8Array[]): Buffer {
  const lengths = values.map(({ byteLength }) => byteLength)
  return encode({ type: BYTEA, lengths, hasNull: false }, (array, at, index) => array.set(values[index] ?? [], at))
}

function encode(
  { type, lengths, hasNull }: Elements,
  write: (array: Buffer, at: number, index: number) => void,
): Buffer {
  const size = lengths.reduce((sum, length) => sum + 4 + Math.max(0, length), HEADER_BYTES)
  const array = Buffer.allocUnsafe(size)
  array.writeInt32BE(1, 0)
  array.writeInt32BE(hasNull ? 1 : 0, 4)
  array.writeInt32BE(type, 8)
  array.writeInt32BE(lengths.length, 12)
  array.writeInt32BE(1, 16)
  let at = HEADER_BYTES
  for (const [index, length] of lengths.entries()) {
    at = array.writeInt32BE(length, at)
    if (length === NULL_LENGTH) continue
    write(array, at, index)
    at += length
  }
  return array
}
