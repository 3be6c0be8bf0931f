import { Ajv } from 'ajv'
import type { Static, TSchema } from 'typebox'
import type { GatewayErrorCode } from '#src/domain/errors.ts'
import { GATEWAY_ERRORS } from '#src/domain/errors.ts'
import type { KeptAnswer } from '#src/domain/image-answer.ts'
import type { Warning } from '#src/domain/image-request.ts'
import { OUTPUT_FORMATS } from '#src/domain/media.ts'
import { MODES } from '#src/domain/model-card.ts'
import { once } from '#src/domain/once.ts'
import { OWN_SCHEMA } from '#src/domain/own-schema.ts'
import type { AttemptRecord } from '#src/domain/request-record.ts'
import type { KeptJob, RunOrder } from '#src/domain/run-store.ts'
import { Type } from '#src/domain/schema-type.ts'

/*
 * What is taken for true of what others wrote about runs. More fields than these are let through: a newer gateway may
 * have written them.
 */

const oneOf = <T extends string>(values: readonly T[]) =>
  Type.Unsafe<T>({ type: 'string', enum: [...new Set(values)] })
const count = Type.Integer({ minimum: 0 })
const atLeastOne = Type.Integer({ minimum: 1 })
const nonce = Type.String({ pattern: '^[0-9a-f]{10}$' })
const optional = {
  count: Type.Optional(count),
  string: Type.Optional(Type.String()),
}

const errorCodes = Object.keys(GATEWAY_ERRORS) as GatewayErrorCode[]

/** Text that is only shown: one that a newer gateway has thought of must not make the whole unreadable. */
const shown = <T extends string>() => Type.Unsafe<T>({ type: 'string' })

const WarningSchema = Type.Object({
  type: shown<Warning['type']>(),
  param: optional.string,
  message: Type.String(),
})

const AttemptSchema = Type.Object({
  provider: Type.String(),
  configKey: Type.String(),
  status: oneOf(['completed', 'failed', 'cancelled']),
  errorCode: Type.Optional(shown<NonNullable<AttemptRecord['errorCode']>>()),
  durationMs: Type.Number(),
})

const UsageSchema = Type.Object({
  inputTokens: optional.count,
  inputTextTokens: optional.count,
  inputImageTokens: optional.count,
  outputTokens: optional.count,
  outputTextTokens: optional.count,
  outputImageTokens: optional.count,
  thoughtTokens: optional.count,
  totalTokens: optional.count,
})

const ImageSchema = Type.Object({
  file: Type.String({ minLength: 1 }),
  format: oneOf(OUTPUT_FORMATS),
  size: Type.Object({ width: atLeastOne, height: atLeastOne }),
  sizeBytes: count,
  revisedPrompt: optional.string,
})

const ImagesSchema = Type.Object({
  kind: Type.Literal('images'),
  images: Type.Array(ImageSchema, { minItems: 1 }),
  requestId: Type.String(),
  requestNonce: nonce,
  createdAtMs: Type.Number(),
  mode: oneOf(MODES),
  modelId: Type.String(),
  responseFormat: oneOf(['url', 'b64_json']),
  configKey: Type.String(),
  provider: Type.String(),
  attempts: Type.Array(AttemptSchema),
  usage: Type.Optional(UsageSchema),
  warnings: Type.Array(WarningSchema),
  cost: Type.Number(),
  isPartial: Type.Boolean(),
})

const ErrorSchema = Type.Object({
  kind: Type.Literal('error'),
  code: oneOf(errorCodes),
  message: Type.String(),
  status: Type.Integer({ minimum: 400, maximum: 599 }),
  param: optional.string,
})

const AcceptedSchema = Type.Object({ kind: Type.Literal('accepted'), requestId: Type.String() })

const OrderSchema = Type.Object({
  requestId: Type.String(),
  keyId: optional.string,
  endpoint: Type.String(),
  mode: oneOf(MODES),
  modelId: Type.String(),
  wanted: Type.Object({
    responseFormat: oneOf(['url', 'b64_json']),
    outputFormat: Type.Optional(oneOf(OUTPUT_FORMATS)),
    outputCompression: Type.Optional(Type.Integer({ minimum: 0, maximum: 100 })),
    keepForMs: Type.Optional(Type.Number({ minimum: 0 })),
  }),
  count: atLeastOne,
  createdAtMs: Type.Number(),
  nonce,
  deadlineAtMs: Type.Number(),
  webhookUrl: optional.string,
  baseUrl: Type.String(),
  user: optional.string,
  sessionId: optional.string,
  traceId: optional.string,
  traceparent: optional.string,
  sizeBytes: optional.count,
})

const JobSchema = Type.Object({
  attemptId: Type.String({ minLength: 1 }),
  configKey: Type.String(),
  provider: Type.String(),
  providerModelId: Type.String(),
  job: Type.Object({ id: Type.String({ minLength: 1 }) }),
  count: atLeastOne,
  keepsAll: Type.Boolean(),
  cost: Type.Number(),
  warnings: Type.Array(WarningSchema),
  createdAtMs: Type.Number(),
})

const ajv = new Ajv(OWN_SCHEMA)

/** Reads a JSON text of that shape; `undefined`: it is none. */
const reader = <Schema extends TSchema>(schema: Schema) => {
  const validator = once(() => ajv.compile<Static<Schema>>(schema))
  return (text: unknown): Static<Schema> | undefined => {
    if (typeof text !== 'string') return undefined
    try {
      const value: unknown = JSON.parse(text)
      const isMeant = validator()
      return isMeant(value) ? value : undefined
    } catch {
      return undefined
    }
  }
}

/** How a run ended; `undefined`: the text does not say it. */
export const readAnswer: (text: unknown) => KeptAnswer | undefined = reader(
  Type.Union([ImagesSchema, ErrorSchema, AcceptedSchema]),
)

const readOrderText: (text: unknown) => RunOrder | undefined = reader(OrderSchema)

/** `undefined`: the text is no order. Its URL is written as every reader understands it: `HTTPS://a` as `https://a/`. */
export const readOrder = (text: unknown): RunOrder | undefined => {
  const order = readOrderText(text)
  if (order?.webhookUrl === undefined) return order
  const url = URL.parse(order.webhookUrl)
  const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:'
  return isWeb ? { ...order, webhookUrl: url.href } : undefined
}

/** `undefined`: the text is no job. */
export const readJob: (text: unknown) => KeptJob | undefined = reader(JobSchema)
