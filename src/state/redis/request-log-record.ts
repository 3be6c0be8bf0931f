import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { Ajv } from 'ajv'
import type { Static } from 'typebox'
import { SORTS } from '#src/domain/image-request.ts'
import { type KeptRecord, recordText, reviveInfinity } from '#src/domain/kept-record.ts'
import { MODES } from '#src/domain/model-card.ts'
import { once } from '#src/domain/once.ts'
import { OWN_SCHEMA } from '#src/domain/own-schema.ts'
import { positionOf } from '#src/domain/request-position.ts'
import type { RequestRecord } from '#src/domain/request-record.ts'
import { Type } from '#src/domain/schema-type.ts'

/*
 * Records as Redis keeps them: JSON, deflated, which makes an explanation of routing five times smaller. What comes back
 * is checked: others may write there too, and gateways of another version.
 */

const { Array: list, Number: number, Object: object, Optional: optional, String: string } = Type
const count = () => Type.Integer({ minimum: 0 })
const oneOf = <const T extends readonly string[]>(...values: T) =>
  Type.Unsafe<T[number]>({ type: 'string', enum: values })
/** A newer gateway may know more codes. */
const code = <T extends string>() => Type.Unsafe<T>({ type: 'string', pattern: '^[A-Z_]{1,64}$' })

const CandidateSchema = object({
  configKey: string(),
  standing: oneOf('usable', 'busy', 'open', 'rate_limited', 'taken_out'),
  tries: number(),
  shortcomings: number(),
  score: number(),
  crowding: number(),
  timeCost: number(),
  moneyCost: number(),
  attemptCost: number(),
  success: number(),
  inTime: number(),
  successSeconds: number(),
  failureSeconds: number(),
  firstInFlight: number(),
  slowStartLimit: number(),
  untilMs: optional(number({ minimum: 0, maximum: 8.64e15 })),
})

const DecisionSchema = object({
  afterMs: number(),
  type: oneOf('try', 'wait', 'stop'),
  reason: optional(
    oneOf(
      ...(['best', 'stale', 'probe', 'last_resort', 'hedge'] as const),
      ...(['exhausted', 'no_time', 'rate_limited'] as const),
    ),
  ),
  chosen: optional(string()),
  timeoutMs: optional(number()),
  waitMs: optional(number()),
  probe: optional(string()),
  candidates: list(CandidateSchema),
})

const AttemptSchema = object({
  provider: string(),
  configKey: string(),
  status: oneOf('completed', 'failed', 'cancelled'),
  errorCode: optional(code<NonNullable<RequestRecord['attempts'][number]['errorCode']>>()),
  durationMs: number(),
})

const UsageSchema = object({
  inputTokens: optional(number()),
  inputTextTokens: optional(number()),
  inputImageTokens: optional(number()),
  outputTokens: optional(number()),
  outputTextTokens: optional(number()),
  outputImageTokens: optional(number()),
  thoughtTokens: optional(number()),
  totalTokens: optional(number()),
})

const RecordSchema = object({
  id: string({ minLength: 1 }),
  createdAtMs: Type.Integer({ minimum: 0, maximum: 8.64e15 }),
  nonce: string({ pattern: '^[0-9a-f]{10}$' }),
  endpoint: string(),
  mode: oneOf(...MODES),
  model: string(),
  status: oneOf('completed', 'pending', 'rejected', 'upstream_failure', 'cancelled'),
  provider: optional(string()),
  attempts: list(AttemptSchema),
  cost: number({ minimum: 0 }),
  durationMs: number(),
  overheadMs: optional(number()),
  errorCode: optional(code<NonNullable<RequestRecord['errorCode']>>()),
  errorMessage: optional(string()),
  user: optional(string()),
  keyId: optional(string({ minLength: 1 })),
  sessionId: optional(string()),
  traceId: optional(string()),
  usage: optional(UsageSchema),
  requestSizeBytes: optional(count()),
  responseSizeBytes: optional(count()),
  routing: object({
    sort: oneOf(...SORTS),
    decisions: list(DecisionSchema),
    excluded: list(object({ configKey: string(), constraint: string(), reason: string() })),
  }),
})

type StoredRecord = Static<typeof RecordSchema>

const validator = once(() =>
  new Ajv({ ...OWN_SCHEMA, strictNumbers: false }).compile<StoredRecord>(RecordSchema),
)

/** Longest JSON of a record, in bytes: what is longer is no record, whatever it deflates to. */
const MAX_RECORD_BYTES = 4_000_000

/** Fast: the rest would be gained at three times the time. */
const LEVEL = 3

export const packRecord = (record: KeptRecord): Buffer =>
  deflateRawSync(recordText(record), { level: LEVEL })

/** Reads the record of a position; `undefined` for anything else. */
export const unpackRecord = (packed: unknown, position: string): RequestRecord | undefined => {
  if (!Buffer.isBuffer(packed)) return undefined
  try {
    const text = inflateRawSync(packed, { maxOutputLength: MAX_RECORD_BYTES }).toString()
    const record: unknown = JSON.parse(text, reviveInfinity)
    const isStored = validator()
    if (!isStored(record)) return undefined
    const known: RequestRecord = record
    return positionOf(known) === position ? known : undefined
  } catch {
    return undefined
  }
}
