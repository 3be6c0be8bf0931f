import type { TSchema } from 'typebox'
import type { Catalog } from '#src/catalog/catalog.ts'
import { isJsonObject, type JsonObject } from '#src/domain/json.ts'
import type { Mode } from '#src/domain/model-card.ts'
import { Type } from '#src/domain/schema-type.ts'
import { text } from './schema-parts.ts'

const schemasOf = ({ models }: Catalog, mode: Mode): readonly JsonObject[] =>
  models.flatMap(({ parameters }) =>
    [parameters[mode]?.schema].filter((schema) => schema !== undefined),
  )

/** Annotations of one model. */
const isOfModel = (keyword: string): boolean => keyword.startsWith('x-')

const withoutAnnotations = (schema: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(schema).filter(([keyword]) => !isOfModel(keyword)))

/** What holds for a parameter whichever model is asked for: all, or where models differ, its type and what it is for. */
const commonSchema = (schemas: readonly JsonObject[]): JsonObject => {
  const [first = {}, ...others] = schemas.map(withoutAnnotations)
  const isSame = (keyword: string) =>
    others.every((other) => JSON.stringify(other[keyword]) === JSON.stringify(first[keyword]))
  if (Object.keys(first).every(isSame)) return first
  return Object.fromEntries(
    ['type', 'description']
      .filter((keyword) => first[keyword] !== undefined && (keyword !== 'type' || isSame('type')))
      .map((keyword) => [keyword, first[keyword] ?? '']),
  )
}

const propertiesOf = ({ properties }: JsonObject): Record<string, JsonObject> =>
  (isJsonObject(properties) ? properties : {}) as Record<string, JsonObject>

/** Every parameter that some model takes in this mode. */
const parametersOf = (catalog: Catalog, mode: Mode): Record<string, JsonObject> => {
  const byModel = schemasOf(catalog, mode).map(propertiesOf)
  const names = new Set(byModel.flatMap((properties) => Object.keys(properties)))
  return Object.fromEntries(
    [...names].map((name) => [
      name,
      commonSchema(
        byModel.map((properties) => properties[name]).filter((each) => each !== undefined),
      ),
    ]),
  )
}

interface Body {
  readonly title: string
  readonly description: string
  readonly properties: Readonly<Record<string, unknown>>
  readonly required: readonly string[]
  readonly examples?: readonly JsonObject[]
}

const bodySchema = (body: Body): TSchema =>
  Type.Unsafe({ ...body, type: 'object', additionalProperties: true })

const OPEN =
  'Names that are not listed are sent to the provider as they are. The rules of each model are its own schema: GET /openai/v1/models/{id}?schema=true.'

const ImageReferenceSchema = Type.Unsafe({
  anyOf: [
    text('An https URL or a data URI.'),
    Type.Object({ image_url: text('An https URL or a data URI.') }),
  ],
})

/** How a JSON edit names its pictures: by one of the first three. */
const PICTURE_FIELDS = {
  images: Type.Array(ImageReferenceSchema, { description: 'The pictures, in order.' }),
  image: Type.Unsafe({
    anyOf: [ImageReferenceSchema, Type.Array(ImageReferenceSchema)],
    description: 'The same as images.',
  }),
  image_url: text('One picture: an https URL or a data URI.'),
  mask: ImageReferenceSchema,
}

const example = { model: 'gemini-3.1-flash-image-preview', prompt: 'A lighthouse at dusk' }

const generationExamples = [
  example,
  { ...example, n: 2, size: '1376x768', output_format: 'webp', provider: { order: ['fal'] } },
]

const editExamples = [
  {
    ...example,
    prompt: 'Make it night',
    images: [{ image_url: 'https://images.example/dusk.png' }],
  },
]

/** Bodies of requests for images, made of the schemas that requests are checked with. */
export const imageRequestSchemas = (catalog: Catalog): Record<string, TSchema> => {
  const { image, mask, ...edit } = parametersOf(catalog, 'image_edit')
  const pictures = {
    ...(image && { image }),
    ...(mask && { mask }),
  }
  return {
    ImageGenerationRequest: bodySchema({
      title: 'Image generation',
      description: OPEN,
      properties: parametersOf(catalog, 'text_to_image'),
      required: ['model', 'prompt'],
      examples: generationExamples,
    }),
    ImageEditForm: bodySchema({
      title: 'Image edit, as a form',
      description: `Pictures are parts named image or image[], in order. provider is written as provider[only][] and so on. ${OPEN}`,
      properties: { ...edit, ...pictures },
      required: ['model', 'prompt', 'image'],
    }),
    ImageEditRequest: bodySchema({
      title: 'Image edit, with references to pictures',
      description: `One of images, image and image_url is needed. ${OPEN}`,
      properties: { ...edit, ...PICTURE_FIELDS },
      required: ['model', 'prompt'],
      examples: editExamples,
    }),
  }
}

/** Component names have these characters only. */
const componentName = (modelId: string, mode: Mode): string =>
  `${modelId.replaceAll(/[^A-Za-z0-9._-]/g, '_')}.${mode}`

/** What each model takes in each mode: the schemas that its requests are checked with. */
export const modelParameterSchemas = ({ models }: Catalog): Record<string, TSchema> =>
  Object.fromEntries(
    models.flatMap(({ card, parameters }) =>
      card.modes.map((mode) => {
        const { $schema: _dialect, ...schema } = parameters[mode]?.schema ?? {}
        return [componentName(card.id, mode), Type.Unsafe(schema as TSchema)] as const
      }),
    ),
  )
