import type { TSchema } from 'typebox'
import { USAGE_WINDOWS, type UsageWindow } from '#src/domain/request-usage.ts'
import { Type } from '#src/domain/schema-type.ts'
import { errorAnswers, jsonAnswer } from './answer-documents.ts'
import { componentOf, count, instant, oneOf, orNull, text } from './schema-parts.ts'

const WINDOWS = Object.keys(USAGE_WINDOWS) as UsageWindow[]
const INTERVALS = Object.values(USAGE_WINDOWS).map(({ interval }) => interval)

const ms = (description: string) => orNull(Type.Number({ minimum: 0, description }))

const figures = {
  requests: count('All of them.'),
  completed: count('That brought an image.'),
  upstream_failure: count('That failed at every provider.'),
  cost: Type.Number({ minimum: 0, description: 'USD, wasted attempts included.' }),
  p50_ms: ms('Half of those that completed took no longer; null: none did.'),
  p95_ms: ms('95 of 100 that completed took no longer.'),
}

const successRate = orNull(
  Type.Number({
    minimum: 0,
    maximum: 1,
    description: 'Completed by completed and upstream_failure; null: there were none.',
  }),
)

const OTHERS = 'null: all that are not told apart, together.'

const UsageReportSchema = Type.Object(
  {
    object: Type.Literal('usage'),
    window: oneOf(WINDOWS),
    interval: oneOf(INTERVALS, 'Length of the intervals, which begin at whole ones in UTC.'),
    from: instant('Begin of the window.'),
    to: instant('Now.'),
    totals: Type.Object({
      ...figures,
      pending: count('That are not done yet.'),
      rejected: count('That were refused.'),
      cancelled: count('Whose client left.'),
      success_rate: successRate,
      currency: Type.Literal('usd'),
      mean_ms: ms('Of those that completed.'),
      overhead_p50_ms: ms('Of that what the gateway itself took, in half of them at most.'),
      overhead_p95_ms: ms('The same in 95 of 100.'),
    }),
    intervals: Type.Array(Type.Object({ at: instant('Its begin.'), ...figures }), {
      description: 'In order, without gaps; the first and the last are cut by the window’s ends.',
    }),
    models: Type.Array(
      Type.Object({
        model: orNull(text(`Canonical id, or what was asked for; ${OTHERS}`)),
        ...figures,
        success_rate: successRate,
      }),
      { description: 'The dearest first.' },
    ),
    providers: Type.Array(
      Type.Object({
        provider: orNull(text(`Slug of who served, or was tried last; ${OTHERS}`)),
        provider_name: orNull(text('For people.')),
        ...figures,
        success_rate: successRate,
      }),
      { description: 'The dearest first.' },
    ),
    partial: Type.Optional(
      Type.Literal(true, { description: 'Those of other gateways cannot be asked for now.' }),
    ),
  },
  { title: 'Usage report', description: 'What was asked for, what it cost and how long it took.' },
)

/** The answer about usage. */
export const usageSchemas: Readonly<Record<string, TSchema>> = { UsageReport: UsageReportSchema }

export const UsageQuerySchema = Type.Object({
  window: Type.Unsafe<UsageWindow>({
    type: 'string',
    enum: WINDOWS,
    default: '24h',
    description: 'The time until now that is told of.',
  }),
  model: Type.Optional(
    Type.String({ maxLength: 4_096, description: 'Id or alias of a model: only requests for it.' }),
  ),
})

/** `GET /v1/usage`, for readers. */
export const usageOperation = {
  tags: ['Requests'],
  operationId: 'readUsage',
  summary: 'What was asked for over time, by model and by provider',
  description: 'A key sees its own requests; the admin key sees all.',
  response: { 200: jsonAnswer('The sums.', componentOf('UsageReport')), ...errorAnswers(400) },
}
