import { describe, expect, it } from 'vitest'
import { compileParameters } from '#src/catalog/parameter-compiler.ts'
import type { JsonObject } from '#src/domain/json.ts'
import { readFirstModelFile } from '#test/helpers/models.ts'

const compiled = compileParameters(readFirstModelFile())
const properties = (mode: 'text_to_image' | 'image_edit') =>
  compiled[mode]?.schema['properties'] as Record<string, JsonObject>
const problem = (parameters: JsonObject) =>
  compiled.text_to_image?.validate({ model: 'm', prompt: 'p', ...parameters })

describe('the compiled parameter schema', () => {
  it('describes a parameter that every offering has', () => {
    expect(properties('text_to_image')['n']).toEqual({
      type: 'integer',
      default: 1,
      minimum: 1,
      maximum: 10,
      description: 'How many images to make.',
      'x-group': 'output_format',
      'x-handling': {
        gemini: 'emulated',
        vertex: 'emulated',
        fal: 'renamed',
        replicate: 'emulated',
      },
    })
  })

  it.each([
    ['enable_web_search', ['gemini', 'vertex', 'fal']],
    ['google_search', ['gemini', 'vertex', 'replicate']],
    ['image_search', ['gemini', 'vertex', 'replicate']],
    ['limit_generations', ['fal']],
    ['safety_tolerance', ['fal']],
    ['sync_mode', ['fal']],
    ['thinking_level', ['gemini', 'vertex', 'fal']],
    ['seed', undefined],
  ])('says which providers alone have %s', (name, providers) => {
    expect(properties('text_to_image')[name]?.['x-providers']).toEqual(providers)
  })

  it('lists OpenAI’s parameters with their types, and that no provider does anything with them', () => {
    const ignored = {
      gemini: 'ignored',
      vertex: 'ignored',
      fal: 'ignored',
      replicate: 'ignored',
    }
    const types = {
      quality: 'string',
      background: 'string',
      moderation: 'string',
      style: 'string',
      input_fidelity: 'string',
      complexity: 'string',
      frame_count: 'integer',
      frame_duration_ms: 'integer',
      svg: 'object',
      user: 'string',
      safety_identifier: 'string',
      stream: 'boolean',
      webhook_url: 'string',
    }
    for (const [name, type] of Object.entries(types)) {
      for (const mode of ['text_to_image', 'image_edit'] as const) {
        expect([name, properties(mode)[name]]).toMatchObject([
          name,
          { type, 'x-group': 'additional', 'x-handling': ignored },
        ])
      }
    }
  })

  it('asks for images in edits only', () => {
    expect(properties('text_to_image')['image']).toBeUndefined()
    expect(properties('image_edit')['image']).toMatchObject({
      minItems: 1,
      maxItems: 14,
      'x-kind': 'file',
    })
    expect(compiled.image_edit?.schema['required']).toEqual(['model', 'prompt', 'image'])
  })

  it('gives every parameter of the card with group, description and handling', () => {
    const { card } = readFirstModelFile()
    for (const name of Object.keys(card.parameters)) {
      expect(properties('image_edit')[name]).toMatchObject({
        description: expect.any(String),
        'x-group': expect.any(String),
        'x-handling': expect.any(Object),
      })
    }
  })
})

describe('validation by the compiled schema', () => {
  it.each<[JsonObject, string, string]>([
    [{ prompt: '' }, 'prompt', 'prompt must have at least 1 character(s).'],
    [{ prompt: 7 }, 'prompt', 'prompt must be of type string.'],
    [{ n: 0 }, 'n', 'n 0 must be at least 1.'],
    [{ n: 11 }, 'n', 'n 11 must be at most 10.'],
    [{ n: '2' }, 'n', 'n "2" must be of type integer.'],
    [{ n: 1.5 }, 'n', 'n 1.5 must be of type integer.'],
    [{ resolution: '8K' }, 'resolution', 'resolution "8K" is not one of auto, 0.5K, 1K, 2K, 4K.'],
    [
      { size: 'huge' },
      'size',
      'size "huge" is not of the right form; allowed: "auto", "WxH" in pixels such as "1024x1024", or "W:H" such as "16:9".',
    ],
    [
      { output_compression: 101 },
      'output_compression',
      'output_compression 101 must be at most 100.',
    ],
    [{ quality: 3 }, 'quality', 'quality 3 must be of type string.'],
  ])('refuses %j and names %s', (parameters, param, message) => {
    expect(problem(parameters)).toMatchObject({
      code: 'INVALID_REQUEST',
      message,
      options: { param },
    })
  })

  it('does not repeat a prompt in the message', () => {
    expect(problem({ prompt: 'secret'.repeat(20_000) })?.message).toBe(
      'prompt must have at most 50000 characters.',
    )
  })

  it.each(['auto', 'low', 'medium', 'high', 'xhigh', 'max', 'standard', 'hd', 'whatever comes'])(
    'accepts the quality %s',
    (quality) => {
      expect(problem({ quality })).toBeUndefined()
    },
  )

  it('accepts unknown names of any type', () => {
    expect(problem({ aspectRatio: '1:1', cfg: 3, nested: { a: [1] } })).toBeUndefined()
  })

  it('says which parameter is missing', () => {
    expect(compiled.text_to_image?.validate({ model: 'm' })).toMatchObject({
      message: 'Parameter "prompt" is required.',
      options: { param: 'prompt' },
    })
  })
})
