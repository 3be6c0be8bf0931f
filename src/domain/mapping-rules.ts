import type { Static } from 'typebox'
import { RESOLUTION_TIERS } from './media.ts'
import { oneOf, strict, text, texts } from './schema-parts.ts'
import { Type } from './schema-type.ts'

/*
 * How a model file (`model-file.ts`) says what becomes of each canonical parameter at a provider.
 */

/** Closed list of value conversions; each is explained in `src/catalog/codecs.ts`. */
const CODEC_NAMES = ['nearest_ratio', 'nearest_tier', 'nearest_size', 'free_size'] as const
export type CodecName = (typeof CODEC_NAMES)[number]

/** Pixel sizes that an offering makes, where it takes any within limits. */
const BoundsSchema = Type.Object(
  {
    minSide: Type.Optional(Type.Integer({ description: 'Shortest side in pixels; absent: 1' })),
    maxSide: Type.Optional(Type.Integer({ description: 'Longest side in pixels; absent: any' })),
    minPixels: Type.Optional(Type.Integer({ description: 'Least width × height; absent: any' })),
    maxPixels: Type.Optional(Type.Integer({ description: 'Greatest width × height; absent: any' })),
    maxRatio: Type.Optional(
      Type.Number({ minimum: 1, description: 'Greatest long side ÷ short side; absent: any' }),
    ),
    multipleOf: Type.Optional(Type.Integer({ description: 'Of both sides; absent: 1' })),
  },
  { ...strict, description: 'Of `free_size`: what sizes are taken' },
)
export type SizeBounds = Static<typeof BoundsSchema>

const FieldName = Type.String({ pattern: '^[A-Za-z0-9_]+$' })

const ToRuleSchema = Type.Object(
  {
    to: Type.String({
      pattern: String.raw`^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*(\[\])?$`,
      description:
        'Provider field: a dotted path, numbers being list indexes; `[]` at the end: a list of images',
    }),
    heightTo: Type.Optional(
      Type.String({
        description:
          'Of `free_size`: field of the height, `to` being that of the width. Absent: by `form`',
      }),
    ),
    form: Type.Optional(
      oneOf(
        ['object', 'text'],
        'Of `free_size`: `{"width": …, "height": …}` or "WxH". Absent: object',
      ),
    ),
    besides: Type.Optional(
      Type.Record(FieldName, Type.Unknown(), {
        description: 'Of `free_size`: other fields that are sent with a size, and their values',
      }),
    ),
    ofInput: Type.Optional(
      Type.Record(FieldName, Type.Unknown(), {
        description:
          'Fields and values that are sent of an edit that asks for nothing here: as the input image has it',
      }),
    ),
    likeInput: Type.Optional(
      Type.Boolean({
        description:
          'Of codecs that make pixels: whether an edit that asks for nothing here is sent the size nearest to its first image’s. Absent: no',
      }),
    ),
    bounds: Type.Optional(BoundsSchema),
    within: Type.Optional(
      Type.Array(Type.Number(), {
        minItems: 2,
        maxItems: 2,
        description:
          'Least and greatest number that the provider takes; beyond, the nearer is sent and reported',
      }),
    ),
    codec: Type.Optional(
      oneOf(CODEC_NAMES, 'Absent: the value goes as it is, or through `values`'),
    ),
    values: Type.Optional(
      Type.Union([
        Type.Array(Type.String(), { description: 'The values that the provider takes' }),
        Type.Record(Type.String(), Type.Unknown(), {
          description:
            'Canonical value → provider value; null: nothing is sent, as the provider does that anyway',
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

const JoinRuleSchema = Type.Object(
  {
    join: Type.Literal('size', {
      description: 'Decides, with the others that say so, the pixels that `size` stands for',
    }),
  },
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
  JoinRuleSchema,
  UnsupportedRuleSchema,
])
export type MappingRule = Static<typeof MappingRuleSchema>

export const MappingSchema = Type.Object(
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
    defaultRatio: Type.Optional(
      Type.String({
        pattern: String.raw`^\d+:\d+$`,
        description: 'Ratio made when none is asked for. Absent: 1:1',
      }),
    ),
    defaultSize: Type.Optional(
      Type.String({
        pattern: String.raw`^\d+x\d+$`,
        description:
          'Pixels made when nothing is asked of them, where `size` decides them. Absent: by ratio and tier',
      }),
    ),
    onlyFor: Type.Optional(
      Type.Array(Type.Record(Type.String(), Type.Unknown()), {
        minItems: 1,
        description:
          'Requests that are served: those with the parameter values of one of these; a list: any of them; null among them: or absent. Absent: all',
      }),
    ),
    followsInput: Type.Optional(
      Type.Boolean({
        description:
          'Whether an edit has the size of its first image when nothing is asked of it, as far as `size` makes it. Absent: no',
      }),
    ),
  },
  strict,
)
export type ParameterMapping = Static<typeof MappingSchema>
