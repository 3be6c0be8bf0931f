import { describe, expect, it } from 'vitest'
import { createCatalog } from '#src/catalog/catalog.ts'
import { findDrift } from '#src/catalog/catalog-drift.ts'
import { readModel } from '#src/catalog/model-files.ts'
import type { JsonObject } from '#src/domain/json.ts'
import type { MappingRule } from '#src/domain/mapping-rules.ts'
import type { CardParameter, Mode } from '#src/domain/model-card.ts'
import { readFirstModelFile } from '#test/helpers/models.ts'

interface Case {
  readonly parameters?: Readonly<Record<string, Partial<CardParameter>>>
  readonly rules?: Readonly<Record<string, MappingRule>>
  readonly modes?: readonly Mode[]
  readonly maxInputImages?: number
}

/** A model with nothing but a prompt, and what a case adds to it. */
const modelOf = ({ parameters = {}, rules = {}, modes = ['text_to_image'], ...part }: Case) => {
  const { card } = readFirstModelFile()
  const source = { url: 'https://models.example', checkedAt: '2026-11-21' }
  const written = {
    card: {
      ...card,
      id: 'small',
      aliases: [],
      modes: [...modes],
      limits: { maxInputImages: part.maxInputImages ?? 3, maxPromptCharacters: 500 },
      parameters,
    },
    mappings: {
      fal: {
        rules: {
          prompt: { to: 'prompt' },
          size: { unsupported: 'warn' },
          aspect_ratio: { unsupported: 'warn' },
          resolution: { unsupported: 'warn' },
          ...rules,
        },
        passThrough: 'any',
        defaultResolution: '1K',
      },
    },
    offerings: [
      {
        configKey: 'fal/small',
        provider: 'fal',
        providerModelId: 'models/small',
        modes: [...modes],
        regions: [],
        mapping: 'fal',
        limits: { maxInputImages: part.maxInputImages ?? 3, inputFormats: ['png'] },
        prices: [{ metric: 'output_image', unit: 'image', usd: 0.01 }],
        priceSource: source,
        sources: [source],
      },
    ],
  }
  const { file, problems } = readModel(written)
  if (!file) throw new Error(problems.join('\n'))
  const model = createCatalog([file]).models[0]
  const offering = model?.offerings[0]
  if (!model || !offering) throw new Error('no model')
  return { model, offering }
}

/** Drift of a case, each as `kind field message`. */
const driftOf = (
  part: Case,
  properties: Readonly<Record<string, JsonObject>>,
  required: readonly string[] = ['prompt'],
): string[] => {
  const { model, offering } = modelOf(part)
  const input = {
    type: 'object',
    properties: { prompt: { type: 'string' }, ...properties },
    required: [...required],
  }
  return findDrift(model, offering, { input, problems: [] }).map(
    ({ kind, field = '-', message }) => `${kind} ${field} ${message}`,
  )
}

const text = (part: Partial<CardParameter> = {}): Partial<CardParameter> => ({
  type: 'string',
  group: 'additional',
  description: 'A text.',
  ...part,
})
const number = (type: 'integer' | 'number', minimum: number, maximum: number) =>
  text({ type, minimum, maximum })
const quality = { parameters: { quality: { enum: ['low', 'high'] } } }

describe('drift between an offering and what its provider publishes', () => {
  it('is none where everything that is sent is taken', () => {
    expect(driftOf({}, {})).toEqual([])
  })

  it('is that the model is gone', () => {
    const { model, offering } = modelOf({})
    expect(findDrift(model, offering, undefined)).toEqual([
      { kind: 'gone', message: 'is not among the provider’s models' },
    ])
  })

  it('is what the adapter could not work with', () => {
    const { model, offering } = modelOf({})
    const problems = ['does not take generateContent']
    expect(findDrift(model, offering, { problems })).toEqual([
      { kind: 'model', message: 'does not take generateContent' },
    ])
    expect(findDrift(model, offering, { input: { type: 'object' }, problems: [] })).toEqual([
      { kind: 'model', message: 'has a schema without any field' },
    ])
  })

  it('is a field that is sent and not known', () => {
    expect(driftOf({ ...quality, rules: { quality: { to: 'quality' } } }, {})).toEqual([
      'field quality is sent for quality, but is not known',
    ])
    const constant = { safety: { const: true, to: 'checks.safety' } }
    expect(driftOf({ rules: constant }, { checks: { type: 'object', properties: {} } })).toEqual([
      'field checks.safety is sent for safety, but is not known',
    ])
  })

  it('is not a field of which nothing is ever sent', () => {
    const rules: Record<string, MappingRule> = { quality: { to: 'quality', values: { low: null } } }
    expect(driftOf({ ...quality, rules }, {})).toEqual([])
  })

  it('is a value that is not taken, wherever it comes from', () => {
    const taken = { quality: { type: 'string', enum: ['low', 'medium'] } }
    const message = 'value quality is sent "high"; taken: "low", "medium"'
    expect(driftOf({ ...quality, rules: { quality: { to: 'quality' } } }, taken)).toEqual([message])
    const listed: MappingRule = { to: 'quality', values: ['low', 'high', 'medium'] }
    expect(driftOf({ ...quality, rules: { quality: listed } }, taken)).toEqual([message])
    const mapped: MappingRule = { to: 'quality', values: { low: 'medium', hd: 'high', auto: null } }
    expect(driftOf({ ...quality, rules: { quality: mapped } }, taken)).toEqual([
      message,
      'more quality takes "low", too',
    ])
    expect(driftOf({ rules: { always: { const: 'high', to: 'quality' } } }, taken)).toEqual([
      message,
    ])
  })

  it('reads through parts and alternatives of a schema', () => {
    const rules: Record<string, MappingRule> = { quality: { to: 'quality' } }
    const parts = { quality: { allOf: [{ type: 'string', enum: ['low'] }], default: 'low' } }
    expect(driftOf({ ...quality, rules }, parts)).toEqual([
      'value quality is sent "high"; taken: "low"',
    ])
    const alternatives = {
      quality: { anyOf: [{ type: 'string', enum: ['low'] }, { type: 'null' }] },
    }
    expect(driftOf({ ...quality, rules }, alternatives)).toEqual([
      'value quality is sent "high"; taken: "low"',
    ])
  })

  it('is a range that is narrower than what is sent, limits of the mapping counted in', () => {
    const part = (within?: [number, number]) => ({
      parameters: { steps: number('integer', 1, 50) },
      rules: { steps: { to: 'steps', ...(within && { within }) } },
    })
    const steps = { type: 'integer', minimum: 2, maximum: 28 }
    expect(driftOf(part(), { steps })).toEqual([
      'range steps is sent 1; taken: >= 2',
      'range steps is sent 50; taken: <= 28',
    ])
    expect(driftOf(part([2, 28]), { steps })).toEqual([])
    expect(driftOf(part([2, 28]), { steps: { ...steps, exclusiveMinimum: 2 } })).toEqual([
      'range steps is sent 2; taken: > 2',
    ])
  })

  it('is a text that may be longer than what is taken', () => {
    expect(driftOf({}, { prompt: { type: 'string', minLength: 3, maxLength: 400 } })).toEqual([
      'range prompt is sent 500 characters; taken: not more than 400 characters',
    ])
  })

  it('is a number of pictures of one call that is too large, and news when it is too small', () => {
    const part: Case = { rules: { n: { to: 'num_images', maximum: 4 } } }
    const count = (maximum: number) => ({ num_images: { type: 'integer', minimum: 1, maximum } })
    expect(driftOf(part, count(2))).toEqual(['range num_images is sent 4; taken: <= 2'])
    expect(driftOf(part, count(4))).toEqual([])
    expect(driftOf(part, count(8))).toEqual(['more num_images takes up to 8; is sent up to 4'])
    expect(driftOf(part, {})).toEqual(['field num_images is sent for n, but is not known'])
  })

  it('is another type', () => {
    const parameters = { tolerance: number('integer', 1, 6), guidance: number('number', 1, 20) }
    const rules = { tolerance: { to: 'tolerance' }, guidance: { to: 'guidance' } }
    const taken = {
      tolerance: { type: 'string', enum: ['1', '6'] },
      guidance: { type: 'integer' },
    }
    expect(driftOf({ parameters, rules }, taken)).toEqual([
      'value tolerance is sent 1, 6; taken: "1", "6"',
      'type guidance is sent 1.5; taken: integer',
    ])
    expect(driftOf({ parameters, rules }, { ...taken, tolerance: { type: 'string' } })[0]).toBe(
      'type tolerance is sent 1, 6; taken: string',
    )
  })

  it('is a size in pixels that is not taken', () => {
    const size: MappingRule = {
      to: 'image_size',
      codec: 'free_size',
      bounds: { minSide: 256, maxSide: 2048, multipleOf: 16 },
    }
    const joined: Record<string, MappingRule> = {
      aspect_ratio: { join: 'size' },
      resolution: { join: 'size' },
    }
    const sides = (maximum: number) => ({
      anyOf: [
        {
          type: 'object',
          properties: {
            width: { type: 'integer', maximum },
            height: { type: 'integer', maximum },
          },
        },
        { type: 'string', enum: ['square'] },
      ],
    })
    expect(driftOf({ rules: { size, ...joined } }, { image_size: sides(2048) })).toEqual([])
    const narrow = driftOf({ rules: { size, ...joined } }, { image_size: sides(1440) })
    expect(narrow[0]).toContain('{"width":2048,"height":2048}')
    expect(narrow[0]).toMatch(/^range image_size .*taken: <= 1440$/)
    const apart: MappingRule = { ...size, to: 'width', heightTo: 'height' }
    const integer = { type: 'integer', minimum: 256 }
    expect(driftOf({ rules: { size: apart, ...joined } }, { width: integer })).toEqual([
      'field height is sent for size, but is not known',
    ])
    const named: MappingRule = {
      to: 'image_size',
      codec: 'nearest_size',
      values: { '512x512': 'tiny' },
    }
    expect(driftOf({ rules: { size: named, ...joined } }, { image_size: sides(2048) })).toEqual([
      'value image_size is sent "tiny"; taken: "square"',
      'more image_size takes "square", too',
    ])
  })

  it('is more pictures than are taken, in the modes that have pictures', () => {
    const image: MappingRule = { to: 'image_urls[]' }
    const part: Case = { parameters: { image: {} }, rules: { image }, modes: ['image_edit'] }
    const list = (maxItems: number) => ({
      image_urls: { type: 'array', items: { type: 'string', format: 'uri' }, maxItems },
    })
    expect(driftOf(part, list(3))).toEqual([])
    expect(driftOf(part, list(2))).toEqual([
      'range image_urls is sent 3 picture(s); taken: not more than 2 items',
    ])
    expect(driftOf(part, list(9))).toEqual(['more image_urls takes up to 9; is sent up to 3'])
    expect(driftOf(part, { image_urls: { type: 'string' } })).toEqual([
      'type image_urls is sent 1 picture(s), 3 picture(s); taken: string',
    ])
    const both: Case = { ...part, modes: ['text_to_image', 'image_edit'] }
    expect(driftOf(both, list(3), ['prompt', 'image_urls'])).toEqual([
      'required image_urls is needed, but never sent',
    ])
  })

  it('is a field that is needed and not always sent', () => {
    const part = { ...quality, rules: { quality: { to: 'quality' } } }
    const fields = {
      quality: { type: 'string' },
      mode: { type: 'string' },
      style: { type: 'string', default: 'plain' },
    }
    expect(driftOf(part, fields, ['prompt', 'quality', 'mode', 'style'])).toEqual([
      'required quality is needed, but not always sent',
      'required mode is needed, but never sent',
    ])
  })

  it('is news when the provider has values that the model file does not list, but for its default and "auto"', () => {
    const rules: Record<string, MappingRule> = {
      aspect_ratio: { to: 'aspect_ratio', codec: 'nearest_ratio', values: ['1:1', '16:9'] },
    }
    const taken = {
      aspect_ratio: {
        type: 'string',
        enum: ['1:1', '16:9', '9:21', 'auto', 'match'],
        default: 'match',
      },
    }
    expect(driftOf({ rules }, taken)).toEqual(['more aspect_ratio takes "9:21", too'])
  })
})
