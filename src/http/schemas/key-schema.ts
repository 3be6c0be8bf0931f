import type { Static, TSchema } from 'typebox'
import { BUDGET_PERIODS, type BudgetPeriod } from '#src/domain/api-key.ts'
import { Type } from '#src/domain/schema-type.ts'
import { componentOf, oneOf, orNull, text } from './schema-parts.ts'

/** The same, or null, with its type. */
const nullable = <Schema extends TSchema>(schema: Schema) =>
  Type.Optional(Type.Unsafe<Static<Schema> | null>(Type.Union([schema, Type.Null()])))

const strict = { additionalProperties: false }

/** A billion USD: sums of it stay exact. */
const MAX_USD = 1_000_000_000

const BudgetSchema = Type.Object(
  {
    usd: Type.Number({ minimum: 0, maximum: MAX_USD, description: 'What may be spent.' }),
    period: Type.Unsafe<BudgetPeriod>({
      type: 'string',
      enum: [...BUDGET_PERIODS],
      description: 'When it begins anew, by UTC; total: never.',
    }),
  },
  strict,
)

const limit = (description: string) =>
  nullable(Type.Integer({ minimum: 1, maximum: 1_000_000, description }))

const LimitsSchema = Type.Object(
  {
    requests_per_minute: limit('Requests for images in a minute.'),
    concurrent: limit('Requests for images under way at a time.'),
  },
  strict,
)

const terms = {
  name: nullable(Type.String({ minLength: 1, maxLength: 200, description: 'For people.' })),
  enabled: Type.Optional(Type.Boolean({ description: 'Whether it is taken.' })),
  expires_at: nullable(
    Type.String({
      pattern: String.raw`^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$`,
      description: 'From when it is not taken any more: an RFC 3339 time.',
    }),
  ),
  models: nullable(
    Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
      minItems: 1,
      maxItems: 1_000,
      description: 'Ids or aliases of the models that it may ask for.',
    }),
  ),
  limits: nullable(LimitsSchema),
  budget: nullable(BudgetSchema),
}

/** What is changed of a key: absent fields stay, null takes away. */
export const KeyChangeSchema = Type.Object(terms, { ...strict, minProperties: 1 })
export type KeyBody = Static<typeof KeyChangeSchema>

/** What a new key may do. */
export const KeyDraftSchema = Type.Object(
  {
    ...terms,
    admin: Type.Optional(Type.Boolean({ description: 'Whether it may manage keys.' })),
  },
  strict,
)
export type KeyDraft = Static<typeof KeyDraftSchema>

const instantOrNull = (description: string) =>
  orNull(Type.String({ format: 'date-time', description }))

const shown = {
  id: text('What it is called in the request log.'),
  object: Type.Literal('api_key'),
  name: orNull(text('For people.')),
  source: oneOf(
    ['environment', 'file', 'api'],
    'Where it stands; only those of the API can be changed.',
  ),
  created_at: instantOrNull('When it was created; null: not known.'),
  expires_at: instantOrNull('From when it is not taken any more; null: it stays good.'),
  enabled: Type.Boolean(),
  admin: Type.Boolean(),
  models: Type.Unsafe({
    type: ['array', 'null'],
    items: { type: 'string' },
    description: 'Models that it may ask for; null: all.',
  }),
  limits: Type.Object({
    requests_per_minute: orNull(Type.Integer({ minimum: 1 })),
    concurrent: orNull(Type.Integer({ minimum: 1 })),
  }),
  budget: Type.Unsafe({
    description: 'null: it has none.',
    anyOf: [BudgetSchema, { type: 'null' }],
  }),
}

const secret = text('The key itself. It is shown this once, and kept nowhere.')

/** Answers about keys. */
export const keySchemas: Readonly<Record<string, TSchema>> = {
  ApiKey: Type.Object(shown, { title: 'API key', description: 'A key, without itself.' }),
  CreatedApiKey: Type.Object({ ...shown, key: secret }, { title: 'API key just created' }),
  ApiKeyList: Type.Object(
    { object: Type.Literal('list'), data: Type.Array(componentOf('ApiKey')) },
    { title: 'API keys', description: 'Those of the configuration first.' },
  ),
  DeletedApiKey: Type.Object(
    { id: Type.String(), object: Type.Literal('api_key'), deleted: Type.Literal(true) },
    { title: 'API key just removed' },
  ),
}

export const exampleKey = {
  id: 'key_9f86d081884c',
  object: 'api_key',
  name: 'web shop',
  source: 'api',
  created_at: '2026-03-15T14:32:10.000Z',
  expires_at: null,
  enabled: true,
  admin: false,
  models: ['gemini-3.1-flash-image-preview'],
  limits: { requests_per_minute: 60, concurrent: 4 },
  budget: { usd: 50, period: 'month' },
}
