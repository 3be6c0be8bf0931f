import { type Static, type TSchema, Type } from 'typebox'
import { INPUT_FORMATS, RESOLUTION_TIERS } from './media.ts'

/*
 * The format of a model file (`src/catalog/models/<creator>--<model>.json`): one model's card, how its parameters map
 * to each provider's, and its offerings. Data only. The schemas below are what files are validated against at start.
 */

const strict = { additionalProperties: false }
const text = (description: string) => Type.String({ minLength: 1, description })
const texts = (description: string) => Type.Array(Type.String({ minLength: 1 }), { description })
const oneOf = <const T extends readonly string[]>(values: T, description: string) =>
  Type.Unsafe<T[number]>({ type: 'string', enum: [...values], description })
const byTier = <T extends TSchema>(value: T, description: string) =>
  Type.Object(
    {
      '0.5K': Type.Optional(value),
      '1K': Type.Optional(value),
      '2K': Type.Optional(value),
      '4K': Type.Optional(value),
    },
    { ...strict, description },
  )

/** What a request asks for: a picture from text, or from text and pictures. */
export const MODES = ['text_to_image', 'image_edit'] as const
export type Mode = (typeof MODES)[number]
const ModesSchema = Type.Array(oneOf(MODES, 'a mode'), { minItems: 1 })

const SourceSchema = Type.Object(
  {
    url: text('Where the fact is published'),
    checkedAt: Type.String({
      pattern: String.raw`^\d{4}-\d{2}-\d{2}$`,
      description: 'Day of reading',
    }),
    confidence: Type.Optional(oneOf(['primary', 'secondary'], 'Absent: primary')),
    note: Type.Optional(Type.String()),
  },
  strict,
)

/** Groups in which parameters are shown. */
const PARAMETER_GROUPS = [
  'core',
  'size_layout',
  'media_input',
  'output_format',
  'additional',
] as const

const ParameterSchema = Type.Object(
  {
    type: oneOf(
      ['string', 'integer', 'number', 'boolean', 'file'],
      'JSON type; `file`: pictures, which only `image` (a list of them) and `mask` (one) can be',
    ),
    group: oneOf(PARAMETER_GROUPS, 'Where it is shown'),
    modes: ModesSchema,
    description: text('For people, one sentence'),
    required: Type.Optional(Type.Boolean({ description: 'Absent: optional' })),
    enum: Type.Optional(texts('Every value there is')),
    pattern: Type.Optional(Type.String({ description: 'Regular expression of a string' })),
    default: Type.Optional(Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
    minimum: Type.Optional(Type.Number()),
    maximum: Type.Optional(Type.Number()),
    minLength: Type.Optional(Type.Integer()),
    maxLength: Type.Optional(Type.Integer({ description: 'In characters' })),
    minItems: Type.Optional(Type.Integer({ description: 'Least number of files' })),
    maxItems: Type.Optional(Type.Integer({ description: 'Greatest number of files' })),
  },
  strict,
)
export type CardParameter = Static<typeof ParameterSchema>

const CardSchema = Type.Object(
  {
    id: text('Canonical model id'),
    name: text('Name for people'),
    description: text('One sentence'),
    creator: Type.Object({ id: text('Slug; `owned_by`'), name: text('Name for people') }, strict),
    family: text('Slug of the model family'),
    status: oneOf(['active', 'preview', 'deprecated'], 'Life cycle'),
    released: Type.String({ pattern: String.raw`^\d{4}-\d{2}$`, description: 'Year and month' }),
    aliases: texts('Other ids that mean this model'),
    alternativeNames: texts('Other names that people use'),
    tags: texts('For search'),
    modalities: Type.Object(
      { input: texts('Kinds of input'), output: texts('Kinds of output') },
      strict,
    ),
    capabilities: texts('What the model can do, beyond pictures too'),
    modes: ModesSchema,
    limits: Type.Object(
      {
        maxInputImages: Type.Integer({ minimum: 0 }),
        maxPromptCharacters: Type.Integer({ minimum: 1 }),
        contextWindow: Type.Optional(Type.Integer({ description: 'Tokens' })),
        maxOutputTokens: Type.Optional(Type.Integer({ description: 'Tokens' })),
      },
      strict,
    ),
    defaultResponseFormat: oneOf(['url', 'b64_json'], 'When the client names none'),
    parameters: Type.Record(Type.String(), ParameterSchema),
    sources: Type.Array(SourceSchema, { minItems: 1 }),
  },
  strict,
)
export type ModelCard = Static<typeof CardSchema>

/** Closed list of value conversions; each is explained in `src/catalog/codecs.ts`. */
const CODEC_NAMES = ['nearest_ratio', 'nearest_tier'] as const
export type CodecName = (typeof CODEC_NAMES)[number]

const ToRuleSchema = Type.Object(
  {
    to: Type.String({
      pattern: String.raw`^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*(\[\])?$`,
      description:
        'Provider field: a dotted path, numbers being list indexes; `[]` at the end: a list of images',
    }),
    codec: Type.Optional(
      oneOf(CODEC_NAMES, 'Absent: the value goes as it is, or through `values`'),
    ),
    values: Type.Optional(
      Type.Union([
        Type.Array(Type.String(), { description: 'The values that the provider takes' }),
        Type.Record(Type.String(), Type.Unknown(), {
          description: 'Canonical value → provider value',
        }),
      ]),
    ),
    otherwise: Type.Optional(
      oneOf(
        ['exclude', 'warn', 'emulate', 'omit'],
        'What a value outside `values` means. Absent: warn',
      ),
    ),
    maximum: Type.Optional(
      Type.Integer({ description: 'Greatest value of one call; the gateway makes several' }),
    ),
  },
  strict,
)
export type ToRule = Static<typeof ToRuleSchema>

const ConstRuleSchema = Type.Object(
  {
    const: Type.Unknown({ description: 'Always sent' }),
    to: text('Provider field: a dotted path'),
  },
  strict,
)

const SplitRuleSchema = Type.Object(
  { split: texts('Canonical parameters that this one decides; their own rules then apply') },
  strict,
)

const UnsupportedRuleSchema = Type.Object(
  {
    unsupported: oneOf(
      ['exclude', 'warn', 'emulate'],
      'exclude: not a candidate for such a request; warn: not sent, reported; emulate: the gateway does it itself',
    ),
  },
  strict,
)

const MappingRuleSchema = Type.Union([
  ToRuleSchema,
  ConstRuleSchema,
  SplitRuleSchema,
  UnsupportedRuleSchema,
])
export type MappingRule = Static<typeof MappingRuleSchema>

const MappingSchema = Type.Object(
  {
    rules: Type.Record(Type.String(), MappingRuleSchema, {
      description: 'By canonical parameter name',
    }),
    passThrough: Type.Union([Type.Literal('any'), texts('Only these names')], {
      description:
        'Undeclared parameters that are sent under their own name; others are reported as unsupported',
    }),
    aspectRatioPixels: Type.Record(Type.String(), Type.String({ pattern: String.raw`^\d+x\d+$` }), {
      description: 'True pixels of each ratio at 1K; other tiers scale both sides',
    }),
    defaultResolution: oneOf(RESOLUTION_TIERS, 'Tier made when none is asked for'),
  },
  strict,
)
export type ParameterMapping = Static<typeof MappingSchema>

const usd = Type.Number({ minimum: 0, description: 'USD' })
const PriceSchema = Type.Object(
  {
    metric: oneOf(
      [
        'output_image',
        'input_token',
        'input_text_token',
        'input_image_token',
        'output_text_token',
        'output_image_token',
        'request',
      ],
      'What is counted; `input_token`: text and images alike; `output_text_token`: thoughts too',
    ),
    unit: oneOf(['image', 'million_tokens', 'request'], 'What one price buys'),
    usd: Type.Optional(usd),
    usdByResolution: Type.Optional(byTier(usd, 'Instead of `usd`, per tier')),
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
        description: 'Only for requests with these parameter values',
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

const OfferingSchema = Type.Object(
  {
    configKey: Type.String({
      pattern: '^[a-z0-9-]+/.+$',
      description: '<provider>/<name>, unique',
    }),
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
    notes: Type.Optional(texts('For people')),
    performance: Type.Optional(PerformanceSchema),
    sources: Type.Array(SourceSchema, { minItems: 1 }),
  },
  strict,
)
export type Offering = Static<typeof OfferingSchema>

export const ModelFileSchema = Type.Object(
  {
    card: CardSchema,
    mappings: Type.Record(Type.String(), MappingSchema),
    offerings: Type.Array(OfferingSchema, { minItems: 1 }),
  },
  strict,
)
export type ModelFile = Static<typeof ModelFileSchema>
