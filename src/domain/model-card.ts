import type { Static } from 'typebox'
import { day, modelName, oneOf, strict, text, texts } from './schema-parts.ts'
import { Type } from './schema-type.ts'

/*
 * The card of a model file (`model-file.ts`): what the model is and what parameters it has, whoever offers it.
 */

/** What a request asks for: a picture from text, or from text and pictures. */
export const MODES = ['text_to_image', 'image_edit'] as const
export type Mode = (typeof MODES)[number]
export const ModesSchema = Type.Array(oneOf(MODES, 'a mode'), { minItems: 1 })

/** Where a fact comes from. */
export const SourceSchema = Type.Object(
  {
    url: text('Where the fact is published'),
    checkedAt: day('Day of reading'),
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

export const ParameterSchema = Type.Object(
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
    minLength: Type.Optional(Type.Integer({ minimum: 0 })),
    maxLength: Type.Optional(Type.Integer({ minimum: 0, description: 'In characters' })),
    minItems: Type.Optional(Type.Integer({ minimum: 0, description: 'Least number of files' })),
    maxItems: Type.Optional(Type.Integer({ minimum: 0, description: 'Greatest number of files' })),
  },
  strict,
)
export type CardParameter = Static<typeof ParameterSchema>

export const CardSchema = Type.Object(
  {
    id: modelName('Canonical model id'),
    name: text('Name for people'),
    description: text('One sentence'),
    creator: Type.Object({ id: text('Slug; `owned_by`'), name: text('Name for people') }, strict),
    family: text('Slug of the model family'),
    status: oneOf(['active', 'preview', 'deprecated'], 'Life cycle'),
    released: Type.String({ pattern: String.raw`^\d{4}-\d{2}$`, description: 'Year and month' }),
    aliases: Type.Array(modelName('Id'), { description: 'Other ids that mean this model' }),
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
