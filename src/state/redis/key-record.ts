import { Ajv } from 'ajv'
import type { Static } from 'typebox'
import { type ApiKey, BUDGET_PERIODS, type BudgetPeriod, keyIdOf } from '#src/domain/api-key.ts'
import { once } from '#src/domain/once.ts'
import { OWN_SCHEMA } from '#src/domain/own-schema.ts'
import { Type } from '#src/domain/schema-type.ts'

const amount = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })

/** The last time that a `Date` holds. */
const LATEST_MS = 8.64e15

/** As keys lie in Redis. More fields are let through: a newer gateway may have written them. */
const RecordSchema = Type.Object({
  hash: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  name: Type.Optional(Type.String()),
  isEnabled: Type.Boolean(),
  expiresAtMs: Type.Optional(Type.Number({ maximum: LATEST_MS, minimum: -LATEST_MS })),
  isAdmin: Type.Boolean(),
  models: Type.Optional(Type.Array(Type.String())),
  limits: Type.Object({
    requestsPerMinute: Type.Optional(Type.Integer({ minimum: 1 })),
    concurrent: Type.Optional(Type.Integer({ minimum: 1 })),
  }),
  budget: Type.Optional(
    Type.Object({
      limit: amount,
      period: Type.Unsafe<BudgetPeriod>({ type: 'string', enum: [...BUDGET_PERIODS] }),
    }),
  ),
  createdAtMs: Type.Optional(Type.Number({ maximum: LATEST_MS, minimum: -LATEST_MS })),
})

const validator = once(() => new Ajv(OWN_SCHEMA).compile<Static<typeof RecordSchema>>(RecordSchema))

/** A key as it is written. */
export const writeKeyRecord = ({ id: _place, source: _api, ...record }: ApiKey): string =>
  JSON.stringify(record)

/** The key that lies under this id; `undefined`: nothing that can be taken for it does. */
export const readKeyRecord = (id: string, text: unknown): ApiKey | undefined => {
  if (typeof text !== 'string') return undefined
  try {
    const value: unknown = JSON.parse(text)
    const isRecord = validator()
    if (!isRecord(value) || keyIdOf(value.hash) !== id) return undefined
    return { ...value, id, source: 'api' }
  } catch {
    return undefined
  }
}
