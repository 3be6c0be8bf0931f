import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileParameters } from '#src/catalog/parameter-compiler.ts'
import { canonicalName, mapParameters } from '#src/catalog/parameter-mapping.ts'
import { STANDARD_PARAMETERS } from '#src/catalog/standard-parameters.ts'
import type { JsonObject, JsonValue } from '#src/domain/json.ts'
import type { ParameterMapping } from '#src/domain/mapping-rules.ts'
import { readFirstModelFile } from '#test/helpers/models.ts'

const file = readFirstModelFile()
const { mappings } = file
const mappingOf = (name: string) => mappings[name] as ParameterMapping
const map = (name: string, parameters: JsonObject) =>
  mapParameters(mappingOf(name), { prompt: 'p', ...parameters })

describe('mapping parameters to an offering', () => {
  it('writes nested fields for the Google surfaces', () => {
    const parameters = {
      seed: 7,
      aspect_ratio: '16:9',
      resolution: '0.5K',
      thinking_level: 'high',
      image_search: true,
      output_format: 'jpeg',
    }
    const expected = {
      prompt: 'p',
      seed: 7,
      imageConfig: { aspectRatio: '16:9', imageSize: '512' },
      thinkingConfig: { thinkingLevel: 'HIGH' },
      tools: [{ googleSearch: { searchTypes: { webSearch: {}, imageSearch: {} } } }],
      responseModalities: ['IMAGE'],
    }
    expect(map('gemini', parameters)).toEqual({
      input: expected,
      imageField: { field: 'contents', isList: true },
      imagesPerCall: 1,
      resolution: '0.5K',
      pixels: { width: 688, height: 384 },
      warnings: [],
    })
    expect(map('vertex', parameters).input).toEqual({
      ...expected,
      imageConfig: { ...expected.imageConfig, outputMimeType: 'image/jpeg' },
    })
  })

  it('writes flat fields for fal and Replicate', () => {
    const parameters = { aspect_ratio: '4:3', resolution: '2K', output_format: 'jpeg' }
    expect(map('fal', { ...parameters, safety_tolerance: '3' })).toEqual({
      input: {
        prompt: 'p',
        aspect_ratio: '4:3',
        resolution: '2K',
        output_format: 'jpeg',
        safety_tolerance: '3',
      },
      imageField: { field: 'image_urls', isList: true },
      countField: 'num_images',
      imagesPerCall: 4,
      resolution: '2K',
      pixels: { width: 2400, height: 1792 },
      warnings: [],
    })
    expect(map('replicate', parameters).input).toEqual({
      prompt: 'p',
      aspect_ratio: '4:3',
      resolution: '2K',
      output_format: 'jpg',
    })
  })

  it.each([
    ['1024x1024', '1:1', '1K', undefined],
    ['2752x1536', '16:9', '2K', undefined],
    ['1792x1024', '16:9', '1K', '1376x768'],
    ['1000x500', '16:9', '0.5K', '688x384'],
  ])('makes shape and scale of size %s', (size, ratio, tier, given) => {
    const { input, warnings } = map('fal', { size, aspect_ratio: '1:8', resolution: '4K' })
    expect([input['aspect_ratio'], input['resolution']]).toEqual([ratio, tier])
    expect(warnings).toEqual(
      given === undefined
        ? []
        : [
            {
              type: 'adjusted',
              param: 'size',
              message: `size "${size}" is not offered here; the nearest, ${given}, is made.`,
            },
          ],
    )
  })

  it('takes a size of W:H for a ratio and leaves the scale alone', () => {
    const { input, warnings } = map('fal', { size: '2:1', resolution: '4K' })
    expect(input).toEqual({ prompt: 'p', aspect_ratio: '16:9', resolution: '4K' })
    expect(warnings).toMatchObject([{ type: 'adjusted', param: 'size' }])
  })

  it('makes the nearest tier where the asked one is not offered, and says so', () => {
    const { input, warnings, resolution } = map('replicate', { resolution: '0.5K' })
    expect(input['resolution']).toBe('1K')
    expect(resolution).toBe('1K')
    expect(warnings).toMatchObject([{ type: 'adjusted', param: 'resolution' }])
  })

  it('says so when a ratio overrules another', () => {
    const { input, warnings } = map('fal', { size: '16:9', aspect_ratio: '1:1' })
    expect(input['aspect_ratio']).toBe('16:9')
    expect(warnings).toEqual([
      {
        type: 'adjusted',
        param: 'aspect_ratio',
        message: 'aspect_ratio "1:1" gives way to size "16:9".',
      },
    ])
    expect(map('fal', { size: '16:9', aspect_ratio: '16:9' }).warnings).toEqual([])
    expect(map('fal', { size: '1024x1024', aspect_ratio: '16:9' }).warnings).toEqual([])
  })

  it('takes ratios with a fraction', () => {
    const { input, warnings } = map('fal', { aspect_ratio: '2.39:1' })
    expect(input['aspect_ratio']).toBe('21:9')
    expect(warnings).toMatchObject([{ message: expect.stringContaining('"2.39:1"') }])
  })

  it('does not send "auto"', () => {
    expect(map('fal', { size: 'auto', aspect_ratio: 'auto', resolution: 'auto' }).input).toEqual({
      prompt: 'p',
    })
  })

  it('sends a prompt that reads "auto"', () => {
    expect(map('fal', { prompt: 'auto' }).input).toEqual({ prompt: 'auto' })
  })

  it('lets nobody set what the mapping itself always sends, and says so', () => {
    const { input, warnings } = map('gemini', { response_modalities: ['TEXT'] })
    expect(input).toEqual({ prompt: 'p', responseModalities: ['IMAGE'] })
    expect(warnings).toMatchObject([{ type: 'unsupported', param: 'response_modalities' }])
  })

  it('reports what has no counterpart, and excludes where the card says so', () => {
    expect(map('replicate', { seed: 1 }).warnings).toMatchObject([
      { type: 'unsupported', param: 'seed' },
    ])
    expect(map('replicate', { safety_tolerance: '1' }).excludedBy).toEqual({
      param: 'safety_tolerance',
      reason: 'does not take "safety_tolerance"',
    })
  })

  it('leaves to the gateway what the gateway does itself', () => {
    const { input, warnings } = map('gemini', {
      n: 3,
      output_format: 'avif',
      response_format: 'url',
    })
    expect(input).toEqual({ prompt: 'p', responseModalities: ['IMAGE'] })
    expect(warnings).toEqual([])
    expect(map('fal', { output_format: 'avif' }).input).toEqual({ prompt: 'p' })
  })

  it("reports OpenAI's own parameters only when they ask for something", () => {
    const neutral = {
      quality: 'auto',
      background: 'auto',
      moderation: 'auto',
      user: 'u',
      partial_images: 0,
    }
    expect(map('fal', neutral).warnings).toEqual([])
    expect(map('fal', { quality: 'hd', style: 'vivid' }).warnings).toMatchObject([
      { type: 'unsupported', param: 'quality' },
      { type: 'unsupported', param: 'style' },
    ])
  })

  it('passes undeclared parameters through, but never over a field that it sets itself', () => {
    expect(map('fal', { system_prompt: 's', cfg: 3 }).input).toEqual({
      prompt: 'p',
      system_prompt: 's',
      cfg: 3,
    })
    expect(map('gemini', { temperature: 0.4 }).input).toMatchObject({ temperature: 0.4 })
    expect(map('gemini', { cfg: 3 }).warnings).toMatchObject([
      { type: 'unsupported', param: 'cfg' },
    ])
    const forged = map('fal', { num_images: 4, image_urls: ['http://127.0.0.1/'] })
    expect(forged.input).toEqual({ prompt: 'p' })
    expect(forged.warnings).toHaveLength(2)
  })

  it('loses no parameter that the schema accepts: each changes the input, is reported, excludes, or is emulated', () => {
    const compiled = compileParameters(file).text_to_image
    const name = fc.oneof(
      fc.constantFrom(...Object.keys(file.card.parameters)),
      fc.string({ minLength: 1 }),
    )
    const value = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constantFrom('16:9', '1K', '800x600', '3', 'high', 'avif'),
    )
    const isOurs = (mapping: ParameterMapping, param: string, given: JsonValue) => {
      const rule = Object.hasOwn(mapping.rules, param) ? mapping.rules[param] : undefined
      if (!rule) return STANDARD_PARAMETERS.get(param)?.asksForSomething(given) === false
      const isGateways = 'unsupported' in rule && rule.unsupported === 'emulate'
      const isEmulated =
        'otherwise' in rule && rule.otherwise !== 'warn' && rule.otherwise !== 'exclude'
      return isGateways || isEmulated || param === 'n' || param === 'image' || given === 'auto'
    }
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(mappings)),
        name,
        value,
        (mapping, param, given) => {
          fc.pre(
            param !== 'prompt' &&
              compiled?.validate({ model: 'm', prompt: 'p', [param]: given }) === undefined,
          )
          const mapped = map(mapping, { [param]: given })
          const isReported = mapped.warnings.some((warning) => warning.param === param)
          const isExcluded = mapped.excludedBy?.param === param
          const isSent = JSON.stringify(mapped.input) !== JSON.stringify(map(mapping, {}).input)
          expect(
            isReported || isExcluded || isSent || isOurs(mappingOf(mapping), param, given),
          ).toBe(true)
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('asks for drafts where there are any, and says so elsewhere', () => {
    const thinking = (name: string) => map(name, { partial_images: 2 }).input['thinkingConfig']
    const lost = (name: string, partial_images: number) =>
      map(name, { partial_images }).warnings.map(({ param }) => param)
    expect(Object.keys(mappings).map(thinking)).toEqual([
      { includeThoughts: true },
      { includeThoughts: true },
      undefined,
      undefined,
    ])
    expect(Object.keys(mappings).map((name) => lost(name, 2))).toEqual([
      [],
      [],
      ['partial_images'],
      ['partial_images'],
    ])
    expect(Object.keys(mappings).flatMap((name) => lost(name, 0))).toEqual([])
  })

  it('accepts the newer parameters of OpenAI, and says that they were not sent', () => {
    const newer = {
      complexity: 'high',
      frame_count: 4,
      frame_duration_ms: 200,
      svg: { model: 'm' },
      input_fidelity: 'high',
    }
    const own = { user: 'u', safety_identifier: 's', stream: true, webhook_url: 'https://a.b/c' }
    for (const name of Object.keys(mappings)) {
      const { input, warnings } = map(name, { ...newer, ...own })
      expect(input).toEqual(map(name, {}).input)
      expect(warnings.map(({ param }) => param)).toEqual(Object.keys(newer))
    }
  })

  it('finds the canonical parameter behind a provider field', () => {
    expect(canonicalName(mappingOf('fal'), 'image_urls')).toBe('image')
    expect(canonicalName(mappingOf('gemini'), 'imageSize')).toBe('resolution')
    expect(canonicalName(mappingOf('replicate'), 'whatever')).toBe('whatever')
  })
})
