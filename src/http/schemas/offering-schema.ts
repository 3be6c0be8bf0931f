import type { TSchema } from 'typebox'
import { MODES } from '#src/domain/model-card.ts'
import { PERFORMANCE_WINDOWS } from '#src/domain/performance.ts'
import { Type } from '#src/domain/schema-type.ts'
import {
  componentOf,
  componentOrNull,
  count,
  instant,
  oneOf,
  orNull,
  text,
  texts,
} from './schema-parts.ts'

const ms = (description: string) => orNull(Type.Number({ minimum: 0, description }))

const figures = {
  p50_ms: ms('Half of the images came within this.'),
  p95_ms: ms('95 of 100 images came within this.'),
  mean_ms: ms('Mean time to an image.'),
  success_rate: orNull(
    Type.Number({
      minimum: 0,
      maximum: 1,
      description: 'Images by requests, refusals and rate limits left out.',
    }),
  ),
  requests: count('Attempts that the figures are of.'),
  time_to_first_byte_p50_ms: ms('Half of the answers began within this.'),
  time_to_first_byte_p95_ms: ms('95 of 100 answers began within this.'),
  rate_limited: orNull(count('Attempts answered with a rate limit.')),
  refused: orNull(count('Attempts whose content was refused.')),
}

const byTier = (description: string) =>
  Type.Optional(Type.Record(Type.String(), Type.Number({ minimum: 0 }), { description }))

const day = (description: string) => Type.String({ format: 'date', description })

const price = (description: string) => Type.Optional(Type.Number({ minimum: 0, description }))

const PriceSchema = Type.Object(
  {
    metric: text('What is counted, such as output_image.'),
    unit: oneOf(['image', 'megapixel', 'million_tokens', 'request']),
    currency: Type.Literal('USD'),
    usd: price('USD of one unit.'),
    usd_by_resolution: byTier('The same by tier.'),
    usd_by_size: byTier('The same by pixel size; the nearest counts.'),
    first_usd: price('USD of the first megapixel of an image, where it differs.'),
    batch_usd: price('Through the provider’s batch interface.'),
    batch_usd_by_resolution: byTier('The same by tier.'),
    when: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description: 'Only for requests with these parameters.',
      }),
    ),
    source: Type.Object({
      url: Type.String({ format: 'uri' }),
      checked_at: Type.String({ format: 'date', description: 'Day of reading.' }),
      confidence: oneOf(['primary', 'secondary']),
      note: Type.Optional(text('For people.')),
    }),
  },
  { title: 'Price' },
)

const HealthSchema = Type.Object(
  {
    status: oneOf(
      ['ok', 'open', 'rate_limited', 'taken_out', 'not_configured'],
      'open: taken for down; rate_limited: asked to be left alone; taken_out: does not accept the operator’s account.',
    ),
    until: orNull(instant('Until when at least; null: ok, or not known.')),
    in_flight: count('Attempts of this gateway that run there now.'),
  },
  { title: 'Health', description: 'How the model stands there, as this gateway sees it.' },
)

const OfferingSchema = Type.Object(
  {
    provider: text('Slug.'),
    provider_name: text('For people.'),
    config_key: text('Names this offering; can be asked for as model.'),
    provider_model_id: text('What the provider calls the model.'),
    modes: Type.Array(oneOf(MODES)),
    regions: texts('Where it runs; empty: not said.'),
    available: Type.Boolean({ description: 'Whether the provider is configured.' }),
    deprecated_at: orNull(day('Since when the provider advises against it; null: it does not.')),
    shutdown_at: orNull(day('When the provider ends it; null: not said.')),
    notes: texts('For people.'),
    pricing: Type.Array(componentOf('Price')),
    performance: Type.Unsafe({
      description: 'Over the last 30 days; null: nothing is known.',
      anyOf: [
        Type.Object({
          source: oneOf(
            ['live', 'model_file'],
            'Measured by the gateways, or published with the model.',
          ),
          window_days: Type.Literal(30),
          ...figures,
          live_requests: count('Attempts that the gateways made themselves.'),
        }),
        Type.Null(),
      ],
    }),
    performance_by_window: Type.Unsafe({
      description: 'What was measured; null: nothing.',
      anyOf: [
        Type.Object(
          Object.fromEntries(
            PERFORMANCE_WINDOWS.map((window) => [window, componentOrNull('Figures')]),
          ),
        ),
        Type.Null(),
      ],
    }),
    performance_by_hour: Type.Optional(
      Type.Array(Type.Object({ at: instant('Start of the hour.'), ...figures }), {
        description: 'With history=hour: the hours in which something was tried.',
      }),
    ),
    health: componentOf('Health'),
  },
  { title: 'Offering', description: 'A model at one provider.' },
)

/** Answers about the offerings of a model. */
export const offeringSchemas: Readonly<Record<string, TSchema>> = {
  Offering: OfferingSchema,
  Price: PriceSchema,
  Health: HealthSchema,
  Figures: Type.Object(figures, { title: 'Figures', description: 'How an offering did.' }),
  OfferingList: Type.Object(
    {
      object: Type.Literal('list'),
      model: text('Canonical id.'),
      data: Type.Array(componentOf('Offering')),
    },
    { title: 'Offerings' },
  ),
}
