import { describe, expect, it } from 'vitest'
import { createCatalog } from '#src/catalog/catalog.ts'
import type { CardParameter } from '#src/domain/model-card.ts'
import type { ModelFile } from '#src/domain/model-file.ts'
import {
  imageRequestSchemas,
  modelParameterSchemas,
} from '#src/http/schemas/image-request-schema.ts'
import { readFirstModelFile } from '#test/helpers/models.ts'

type Properties = Readonly<Record<string, object>>

const propertiesOf = (files: readonly ModelFile[], name: string): Properties =>
  (imageRequestSchemas(createCatalog(files))[name] as unknown as { properties: Properties })
    .properties

/** The first model under another id, with other parameters. */
const secondModel = (parameters: Readonly<Record<string, CardParameter>>): ModelFile => {
  const { card, mappings, offerings } = readFirstModelFile()
  return {
    mappings,
    card: {
      ...card,
      id: 'maker/second',
      aliases: [],
      parameters: { ...card.parameters, ...parameters },
    },
    offerings: offerings.map((offering) => ({
      ...offering,
      configKey: offering.configKey.replace(card.id, 'second'),
    })),
  }
}

const resolution: CardParameter = {
  type: 'string',
  group: 'size_layout',
  modes: ['text_to_image'],
  description: 'Another scale.',
  enum: ['1K', '8K'],
}
const own: CardParameter = {
  type: 'boolean',
  group: 'additional',
  modes: ['text_to_image'],
  description: 'What this one alone has.',
}

describe('the documented body of a request for images', () => {
  it('says of a parameter what its model says, without notes on providers', () => {
    const properties = propertiesOf([readFirstModelFile()], 'ImageGenerationRequest')
    expect(properties['n']).toEqual({
      type: 'integer',
      default: 1,
      minimum: 1,
      maximum: 10,
      description: 'How many images to make.',
    })
  })

  it('says of models that differ only what holds for all', () => {
    const files = [readFirstModelFile(), secondModel({ resolution, own })]
    const properties = propertiesOf(files, 'ImageGenerationRequest')
    expect(properties['resolution']).toEqual({
      type: 'string',
      description:
        'Scale of the picture; 1K is about one megapixel. The nearest that is offered is made. Ignored when size is WxH.',
    })
    expect(properties['own']).toEqual({ type: 'boolean', description: 'What this one alone has.' })
    expect(properties['n']).toHaveProperty('maximum', 10)
  })

  it('has files in a form, and references in JSON', () => {
    const files = [readFirstModelFile()]
    expect(propertiesOf(files, 'ImageEditForm')['image']).toMatchObject({
      type: 'array',
      items: { type: 'string', format: 'binary' },
      maxItems: 14,
    })
    expect(propertiesOf(files, 'ImageEditRequest')['images']).toMatchObject({ type: 'array' })
    expect(propertiesOf(files, 'ImageGenerationRequest')).not.toHaveProperty('image')
  })
})

describe('the documented parameters of models', () => {
  it('are named by model and mode, in characters that a reference can hold', () => {
    const catalog = createCatalog([readFirstModelFile(), secondModel({})])
    expect(Object.keys(modelParameterSchemas(catalog))).toEqual([
      'gemini-3.1-flash-image-preview.text_to_image',
      'gemini-3.1-flash-image-preview.image_edit',
      'maker_second.text_to_image',
      'maker_second.image_edit',
    ])
  })
})
