import type { Static } from 'typebox'
import { INPUT_FORMATS } from './media.ts'
import { ModesSchema, SourceSchema } from './model-card.ts'
import { byTier, day, modelName, oneOf, strict, text, texts } from './schema-parts.ts'
import { Type } from './schema-type.ts'

/*
 * The offerings of a model file (`model-file.ts`): who serves the model, under what id, within what limits and at what
 * price.
 */

/** More than anything costs, and sums of it stay exact. */
const MAX_USD = 1_000_000

const usd = Type.Number({ minimum: 0, maximum: MAX_USD, description: 'USD' })
const PriceSchema = Type.Object(
  {
    metric: oneOf(
      [
        'output_image',
        'output_megapixel',
        'input_megapixel',
        'input_token',
        'input_text_token',
        'input_image_token',
        'output_text_token',
        'output_image_token',
        'request',
      ],
      'What is counted; megapixels: of each image, begun ones count whole; `input_token`: text and images alike; `output_text_token`: thoughts too',
    ),
    unit: oneOf(['image', 'megapixel', 'million_tokens', 'request'], 'What one price buys'),
    usd: Type.Optional(usd),
    usdByResolution: Type.Optional(byTier(usd, 'Instead of `usd`, per tier')),
    usdBySize: Type.Optional(
      Type.Record(Type.String({ pattern: String.raw`^\d+x\d+$` }), usd, {
        description: 'Instead of `usd`, per pixel size; the nearest counts',
      }),
    ),
    firstUsd: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: MAX_USD,
        description: 'USD of the first megapixel of an image, where it differs',
      }),
    ),
    tokensByResolution: Type.Optional(
      byTier(
        Type.Integer({ minimum: 1 }),
        'Of `output_image_token`: tokens of one image, for what is priced before it is made',
      ),
    ),
    batchUsd: Type.Optional(usd),
    batchUsdByResolution: Type.Optional(
      byTier(usd, 'Price through the batch interface; kept as data'),
    ),
    when: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description:
          'Only for requests with these parameter values; a list: any of them; null among them: or absent',
      }),
    ),
  },
  strict,
)
export type PriceRule = Static<typeof PriceSchema>

const PerformanceSchema = Type.Object(
  {
    p50Ms: Type.Number(),
    p95Ms: Type.Number(),
    meanMs: Type.Number(),
    successRate: Type.Number({ minimum: 0, maximum: 1 }),
    requests: Type.Integer(),
    timeToFirstByteP50Ms: Type.Number(),
    timeToFirstByteP95Ms: Type.Number(),
  },
  { ...strict, description: 'What a gateway believes that has seen nothing yet' },
)

export const OfferingSchema = Type.Object(
  {
    configKey: modelName('<provider>/<name>, unique', '(?=[a-z0-9-]+/)'),
    provider: text('Provider slug'),
    providerModelId: text('What the provider is sent'),
    modes: ModesSchema,
    regions: texts('Where it runs; empty: not said'),
    mapping: text('Name of one of `mappings`'),
    limits: Type.Object(
      {
        maxInputImages: Type.Integer({ minimum: 0 }),
        maxInputImageBytes: Type.Optional(
          Type.Integer({ description: 'Of one image; absent: no limit known' }),
        ),
        maxInputBytes: Type.Optional(
          Type.Integer({ description: 'Of all images; absent: no limit known' }),
        ),
        inputFormats: Type.Array(oneOf(INPUT_FORMATS, 'a format'), {
          minItems: 1,
          description: 'Image formats taken; others are converted to the first',
        }),
      },
      strict,
    ),
    ambiguous: Type.Optional(
      oneOf(
        ['retry', 'stop'],
        'Whether another offering is tried after an ambiguous failure. Absent: by policy',
      ),
    ),
    cancelledWork: Type.Optional(
      oneOf(
        ['free', 'billed'],
        'Whether a call cancelled under way costs something. Absent: billed',
      ),
    ),
    prices: Type.Array(PriceSchema, { minItems: 1 }),
    priceSource: SourceSchema,
    deprecatedAt: Type.Optional(day('Since when the provider advises against it')),
    shutdownAt: Type.Optional(day('When the provider ends it')),
    notes: Type.Optional(texts('For people')),
    performance: Type.Optional(PerformanceSchema),
    sources: Type.Array(SourceSchema, { minItems: 1 }),
  },
  strict,
)
export type Offering = Static<typeof OfferingSchema>
