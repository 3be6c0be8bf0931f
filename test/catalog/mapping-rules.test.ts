import { describe, expect, it } from 'vitest'
import { mapParameters } from '#src/catalog/parameter-mapping.ts'
import type { JsonObject } from '#src/domain/json.ts'
import type { MappingRule, ParameterMapping } from '#src/domain/mapping-rules.ts'

const mapping = (rules: Record<string, MappingRule>): ParameterMapping => ({
  rules,
  passThrough: [],
  aspectRatioPixels: { '1:1': '1024x1024' },
  defaultResolution: '1K',
})

describe('a quality that an offering has a like notion of', () => {
  const rules = mapping({
    quality: {
      to: 'rendering_speed',
      values: {
        low: 'TURBO',
        medium: 'BALANCED',
        standard: 'BALANCED',
        high: 'QUALITY',
        hd: 'QUALITY',
      },
    },
  })

  it.each([
    ['low', 'TURBO'],
    ['standard', 'BALANCED'],
    ['hd', 'QUALITY'],
  ])('is converted: %s is %s', (quality, rendering_speed) => {
    expect(mapParameters(rules, { quality })).toMatchObject({
      input: { rendering_speed },
      warnings: [],
    })
  })

  it('is reported where the offering has no such value, and left to the provider when auto', () => {
    expect(mapParameters(rules, { quality: 'max' })).toMatchObject({
      input: {},
      warnings: [{ type: 'unsupported', param: 'quality' }],
    })
    expect(mapParameters(rules, { quality: 'auto' })).toMatchObject({ input: {}, warnings: [] })
  })
})

describe('"auto"', () => {
  it('is sent where the offering has a value for it', () => {
    const rules = mapping({
      listed: { to: 'a', values: ['auto', 'x'] },
      converted: { to: 'b', values: { auto: 'match_input_image' } },
      nearest: { to: 'c', codec: 'nearest_ratio', values: { auto: 'any', '1:1': 'square' } },
    })
    const auto = { listed: 'auto', converted: 'auto', nearest: 'auto' }
    expect(mapParameters(rules, auto)).toMatchObject({
      input: { a: 'auto', b: 'match_input_image', c: 'any' },
      warnings: [],
    })
  })
})

describe('a shape that an offering cannot be told', () => {
  const rules = mapping({
    size: { split: ['aspect_ratio', 'resolution'] },
    aspect_ratio: { unsupported: 'warn' },
    resolution: { to: 'resolution', codec: 'nearest_tier', values: ['1K', '2K'] },
  })

  it.each(['16:9', '2048x1024', '2048x512'])('is reported: %s', (size) => {
    expect(mapParameters(rules, { size }).warnings).toContainEqual({
      type: 'unsupported',
      param: 'size',
      message: expect.stringContaining(size),
    })
  })

  it('is not reported under the names of what a size of pixels decides', () => {
    const { warnings } = mapParameters(rules, { size: '1024x1024', aspect_ratio: '1:1' })
    expect(warnings.map(({ param }) => param)).not.toContain('aspect_ratio')
  })
})

describe('a mask', () => {
  const taking = mapping({ image: { to: 'image_urls[]' }, mask: { to: 'mask_url' } })
  const without = mapping({ image: { to: 'image_urls[]' }, mask: { unsupported: 'exclude' } })

  it('goes to the field of the offering that takes one', () => {
    expect(mapParameters(taking, {}, { hasMask: true })).toEqual({
      input: {},
      imageField: { field: 'image_urls', isList: true },
      maskField: { field: 'mask_url', isList: false },
      imagesPerCall: 1,
      pixels: { width: 1024, height: 1024 },
      resolution: '1K',
      warnings: [],
    })
  })

  it.each([
    ['has no field for it', without],
    ['has never heard of it', mapping({})],
  ])('excludes an offering that %s', (_what, rules) => {
    expect(mapParameters(rules, {}, { hasMask: true }).excludedBy).toEqual({
      param: 'mask',
      reason: 'does not take "mask"',
    })
    expect(mapParameters(rules, {})).not.toHaveProperty('excludedBy')
  })

  it('is never a value of the input', () => {
    expect(mapParameters(taking, { mask: 'http://127.0.0.1/' }).input).toEqual({})
  })
})

describe('an offering that is for some requests only', () => {
  const turbo: ParameterMapping = {
    ...mapping({}),
    onlyFor: [{ speed: 'TURBO' }, { speed: null, quality: ['low', 'auto'] }],
  }
  const excludedBy = (parameters: JsonObject) => mapParameters(turbo, parameters).excludedBy

  it('serves those that meet one of its conditions', () => {
    for (const parameters of [
      { speed: 'TURBO' },
      { speed: 'TURBO', quality: 'hd' },
      { quality: 'low' },
      { quality: 'auto', speed: null },
    ]) {
      expect(excludedBy(parameters)).toBeUndefined()
    }
  })

  it('leaves all others to other offerings, and says what they ask', () => {
    expect(excludedBy({ speed: 'QUALITY', quality: 'low' })).toEqual({
      param: 'speed',
      reason: 'does not serve speed "QUALITY" and quality "low"',
    })
    expect(excludedBy({ quality: 'hd' })).toEqual({
      param: 'quality',
      reason: 'does not serve speed left out and quality "hd"',
    })
    expect(excludedBy({})).toEqual({
      param: 'speed',
      reason: 'does not serve speed left out and quality left out',
    })
  })
})

describe('a size that is to be like the first image', () => {
  const like: ParameterMapping = {
    ...mapping({
      size: {
        to: 'aspect_ratio',
        codec: 'nearest_size',
        values: { '1024x1024': '1:1', '1536x1024': '3:2' },
        likeInput: true,
      },
      aspect_ratio: { join: 'size' },
      resolution: { join: 'size' },
    }),
  }
  const wide = { isEdit: true, inputSize: { width: 1_600, height: 900 } }

  it('is sent of an edit that asks for nothing, as near as there is one', () => {
    expect(mapParameters(like, {}, wide)).toMatchObject({
      input: { aspect_ratio: '3:2' },
      pixels: { width: 1_536, height: 1_024 },
      warnings: [],
    })
  })

  it('gives way to what is asked, and is not sent where there is no image, or none that is known', () => {
    expect(mapParameters(like, { size: '1024x1024' }, wide).input).toEqual({ aspect_ratio: '1:1' })
    expect(mapParameters(like, {}, { isEdit: true }).input).toEqual({})
    expect(mapParameters(like, {}).input).toEqual({})
  })
})
