/** One field of a protobuf message: the bytes of a length-delimited one, else null. */
export type WireField = { readonly number: number; readonly bytes: Buffer | null }

/** Reads the fields of one message in their order. Throws on anything that is not well-formed. */
export function* readFields(message: Buffer): Generator<WireField> {
  for (let at = 0; at < message.length; ) {
    const tag = readVarint(message, at)
    const number = Math.floor(tag.value / 8)
    if (number === 0) throw new Error('protobuf: field 0')
    const field = readValue(message, tag.next, tag.value % 8)
    at = field.next
    yield { number, bytes: field.bytes }
  }
}

/** The one occurrence of a length-delimited field, or null. Throws on a second: readers differ in which one counts. */
export function single(message: Buffer, number: number): Buffer | null {
  const found = repeated(message, number)
  if (found.length > 1) throw new Error(`protobuf: field ${number} is there twice`)
  return found[0] ?? null
}

/** All occurrences of a length-delimited field. */
export function repeated(message: Buffer, number: number): readonly Buffer[] {
  const found: Buffer[] = []
  for (const field of readFields(message)) {
    if (field.number !== number) continue
    if (field.bytes === null) throw new Error(`protobuf: field ${number} is no bytes`)
    found.push(field.bytes)
  }
  return found
}

/** A string field; absent is empty, as protobuf has it. */
export const text = (message: Buffer, number: number): string => single(message, number)?.toString('utf8') ?? ''

function readValue(message: Buffer, at: number, wire: number): { bytes: Buffer | null; next: number } {
  if (wire === 0) return { bytes: null, next: readVarint(message, at).next }
  if (wire === 1 || wire === 5) return { bytes: null, next: within(message, at + (wire === 1 ? 8 : 4)) }
  if (wire !== 2) throw new Error(`protobuf: wire type ${wire}`)
  const length = readVarint(message, at)
  const next = within(message, length.next + length.value)
  return { bytes: message.subarray(length.next, next), next }
}

function readVarint(message: Buffer, start: number): { value: number; next: number } {
  let value = 0
  for (let at = start, factor = 1; at < start + 10; at++, factor *= 128) {
    const byte = message[within(message, at + 1) - 1] ?? 0
    value += (byte & 0x7f) * factor
    if (byte < 0x80) return { value, next: at + 1 }
  }
  throw new Error('protobuf: varint too long')
}

function within(message: Buffer, end: number): number {
  if (end > message.length) throw new Error('protobuf: cut short')
  return end
}
