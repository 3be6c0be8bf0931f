import type { TSchema } from 'typebox'
import { Type } from '#src/domain/schema-type.ts'
import { jsonAnswer } from './answer-documents.ts'
import { componentOf, count, instant, oneOf, orNull, text } from './schema-parts.ts'

const ProviderStatusSchema = Type.Object(
  {
    provider: text('Slug.'),
    provider_name: text('For people.'),
    configured: Type.Boolean(),
    models: count('Models that it offers here.'),
    in_flight: count('Attempts of this gateway that run there now.'),
    status: oneOf(
      ['ok', 'degraded', 'down', 'off'],
      'degraded: some of its offerings are not tried as usual; down: none is; off: not configured.',
    ),
    offerings: Type.Array(
      Type.Object({
        config_key: text('The offering.'),
        status: oneOf(['open', 'rate_limited', 'taken_out'], 'As of its health.'),
        until: orNull(instant('Until when at least; null: not known.')),
      }),
      { description: 'Those that are not ok.' },
    ),
  },
  { title: 'Provider status' },
)

const GatewayStatusSchema = Type.Object(
  {
    object: Type.Literal('status'),
    version: text('Of the gateway.'),
    started_at: instant('When this process began.'),
    ready: Type.Boolean({ description: 'Whether it is to be sent requests: not while it ends.' }),
    requests_in_flight: count('Requests for images that were taken on and are not done.'),
    requests_limit: count('How many of them there may be.'),
    bytes_in_flight: count('What they hold in memory.'),
    bytes_limit: count('How much that may be.'),
    redis: Type.Object({
      configured: Type.Boolean(),
      reachable: Type.Boolean({ description: 'Whether anything is shared through it now.' }),
      reason: orNull(
        text('Why something is not shared; null: all is, or Redis is not configured.'),
      ),
    }),
    statistics_shared: Type.Boolean({
      description: 'Whether what is learnt of providers is told to other gateways.',
    }),
    providers: Type.Array(componentOf('ProviderStatus')),
  },
  { title: 'Status', description: 'How this gateway stands now.' },
)

/** The answer about the gateway itself. */
export const statusSchemas: Readonly<Record<string, TSchema>> = {
  GatewayStatus: GatewayStatusSchema,
  ProviderStatus: ProviderStatusSchema,
}

/** `GET /v1/status`, for readers. */
export const statusOperation = {
  tags: ['Operations'],
  operationId: 'readStatus',
  summary: 'How this gateway and its providers stand',
  response: { 200: jsonAnswer('It stands so.', componentOf('GatewayStatus')) },
}
