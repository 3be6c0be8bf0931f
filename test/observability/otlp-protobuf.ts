/*
 * Reads what OTLP exporters send (opentelemetry-proto 1.10, trace/v1/trace.proto), by the numbers of its fields, so that
 * nothing of the exporter's own code reads what it has written.
 */

/** A span as it came over the wire. */
export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  /** Absent: the first of its trace. */
  readonly parentSpanId?: string
  readonly traceState: string
  readonly name: string
  readonly kind: 'internal' | 'server' | 'client'
  readonly startNs: bigint
  readonly endNs: bigint
  readonly attributes: Readonly<Record<string, Attribute>>
  readonly status: 'unset' | 'ok' | 'error'
  /** Text of the status. */
  readonly message: string
  /** How many events and links it has. */
  readonly extras: number
  readonly resource: Readonly<Record<string, Attribute>>
}

export type Attribute = string | number | boolean

/** Values of a message by field number: numbers as they are, everything with a length as bytes. */
type Fields = ReadonlyMap<number, readonly (bigint | Buffer)[]>

interface Cursor {
  readonly bytes: Buffer
  at: number
}

const readVarint = (cursor: Cursor): bigint => {
  let value = 0n
  for (let shift = 0n; ; shift += 7n) {
    const byte = cursor.bytes.readUInt8(cursor.at++)
    value |= BigInt(byte & 127) << shift
    if (byte < 128) return BigInt.asUintN(64, value)
  }
}

const take = (cursor: Cursor, length: number): Buffer => {
  const end = cursor.at + length
  if (end > cursor.bytes.length) throw new Error('The message ends too early')
  const piece = cursor.bytes.subarray(cursor.at, end)
  cursor.at = end
  return piece
}

const readValue = (cursor: Cursor, wireType: number): bigint | Buffer => {
  switch (wireType) {
    case 0:
      return readVarint(cursor)
    case 1:
      return take(cursor, 8).readBigUInt64LE()
    case 2:
      return take(cursor, Number(readVarint(cursor)))
    case 5:
      return BigInt(take(cursor, 4).readUInt32LE())
    default:
      throw new Error(`Wire type ${wireType} is not known`)
  }
}

const readFields = (bytes: Buffer): Fields => {
  const fields = new Map<number, (bigint | Buffer)[]>()
  const cursor = { bytes, at: 0 }
  while (cursor.at < bytes.length) {
    const tag = Number(readVarint(cursor))
    const value = readValue(cursor, tag & 7)
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), value])
  }
  return fields
}

const bytesOf = (fields: Fields, field: number): readonly Buffer[] =>
  (fields.get(field) ?? []).filter((value) => Buffer.isBuffer(value))
const textOf = (fields: Fields, field: number): string =>
  bytesOf(fields, field).at(-1)?.toString('utf8') ?? ''
const hexOf = (fields: Fields, field: number): string =>
  bytesOf(fields, field).at(-1)?.toString('hex') ?? ''
const numberOf = (fields: Fields, field: number): bigint => {
  const value = fields.get(field)?.at(-1)
  return typeof value === 'bigint' ? value : 0n
}

const readDouble = (bits: bigint): number => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(bits)
  return bytes.readDoubleLE()
}

const readAttribute = (bytes: Buffer): Attribute => {
  const fields = readFields(bytes)
  if (fields.has(1)) return textOf(fields, 1)
  if (fields.has(2)) return numberOf(fields, 2) === 1n
  if (fields.has(3)) return Number(BigInt.asIntN(64, numberOf(fields, 3)))
  if (fields.has(4)) return readDouble(numberOf(fields, 4))
  throw new Error('Only plain values are expected')
}

const readAttributes = (fields: Fields, field: number): Record<string, Attribute> =>
  Object.fromEntries(
    bytesOf(fields, field).map((bytes) => {
      const pair = readFields(bytes)
      return [textOf(pair, 1), readAttribute(bytesOf(pair, 2)[0] ?? Buffer.alloc(0))]
    }),
  )

const KINDS: Readonly<Record<string, ReceivedSpan['kind']>> = {
  1: 'internal',
  2: 'server',
  3: 'client',
}
const STATUSES: Readonly<Record<string, ReceivedSpan['status']>> = { 1: 'ok', 2: 'error' }

const readSpan = (bytes: Buffer, resource: ReceivedSpan['resource']): ReceivedSpan => {
  const fields = readFields(bytes)
  const status = readFields(bytesOf(fields, 15)[0] ?? Buffer.alloc(0))
  const kind = KINDS[String(numberOf(fields, 6))]
  if (!kind) throw new Error('A span without a kind')
  const parentSpanId = hexOf(fields, 4)
  return {
    traceId: hexOf(fields, 1),
    spanId: hexOf(fields, 2),
    ...(parentSpanId !== '' && { parentSpanId }),
    traceState: textOf(fields, 3),
    name: textOf(fields, 5),
    kind,
    startNs: numberOf(fields, 7),
    endNs: numberOf(fields, 8),
    attributes: readAttributes(fields, 9),
    status: STATUSES[String(numberOf(status, 3))] ?? 'unset',
    message: textOf(status, 2),
    extras: bytesOf(fields, 11).length + bytesOf(fields, 13).length,
    resource,
  }
}

/** All spans of an `ExportTraceServiceRequest`. */
export const readTraceExport = (body: Buffer): ReceivedSpan[] =>
  bytesOf(readFields(body), 1).flatMap((resourceSpans) => {
    const ofResource = readFields(resourceSpans)
    const described = readFields(bytesOf(ofResource, 1)[0] ?? Buffer.alloc(0))
    const resource = readAttributes(described, 1)
    return bytesOf(ofResource, 2).flatMap((scopeSpans) =>
      bytesOf(readFields(scopeSpans), 2).map((span) => readSpan(span, resource)),
    )
  })
