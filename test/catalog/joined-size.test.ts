import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mapParameters } from '#src/catalog/parameter-mapping.ts'
import { fitSize, nearestSize, wishOfShape, wishOfSize } from '#src/catalog/pixel-sizes.ts'
import type { JsonObject } from '#src/domain/json.ts'
import type {
  MappingRule,
  ParameterMapping,
  SizeBounds,
  ToRule,
} from '#src/domain/mapping-rules.ts'

const mappingWith = (size: ToRule, more: Record<string, MappingRule> = {}): ParameterMapping => ({
  rules: {
    size,
    aspect_ratio: { join: 'size' },
    resolution: { join: 'size' },
    ...more,
  },
  passThrough: [],
  aspectRatioPixels: {},
  defaultResolution: '1K',
  defaultRatio: '4:3',
})

const free = (rule: Partial<ToRule> = {}): ParameterMapping =>
  mappingWith({
    to: 'image_size',
    codec: 'free_size',
    bounds: { minSide: 256, maxSide: 2048, multipleOf: 16 },
    ...rule,
  })

const listed = mappingWith({
  to: 'size',
  codec: 'nearest_size',
  values: {
    '1024x1024': 'square_hd',
    '512x512': 'square',
    '1536x1024': '1536x1024',
    '1024x1536': null,
  },
})

const map = (mapping: ParameterMapping, parameters: JsonObject) =>
  mapParameters(mapping, parameters)

describe('an offering that takes pixels within bounds', () => {
  it('expects its own size where nothing is asked of it, and sends none', () => {
    const mapping = { ...free(), defaultSize: '1024x576' }
    expect(map(mapping, {})).toMatchObject({ input: {}, pixels: { width: 1024, height: 576 } })
    expect(map(mapping, { aspect_ratio: 'auto' })).toMatchObject({ input: {}, resolution: '1K' })
    expect(map(mapping, { resolution: '1K' })).toMatchObject({
      pixels: { width: 1184, height: 880 },
    })
  })

  it.each<[JsonObject, JsonObject, string]>([
    [{ size: '1024x768' }, { width: 1024, height: 768 }, '1K'],
    [{ aspect_ratio: '16:9' }, { width: 1360, height: 768 }, '1K'],
    [{ size: '9:16' }, { width: 768, height: 1360 }, '1K'],
    [{ resolution: '2K' }, { width: 2048, height: 1536 }, '2K'],
    [{ aspect_ratio: '1:1', resolution: '2K' }, { width: 2048, height: 2048 }, '2K'],
    [{ size: '800x800', aspect_ratio: '1:4' }, { width: 800, height: 800 }, '1K'],
  ])('makes %j as it was asked', (parameters, size, resolution) => {
    expect(map(free(), parameters)).toEqual({
      input: { image_size: size },
      imagesPerCall: 1,
      resolution,
      pixels: size,
      warnings: [],
    })
  })

  it('is sent nothing where nothing is asked, and makes what it makes then', () => {
    for (const parameters of [{}, { size: 'auto', aspect_ratio: 'auto', resolution: 'auto' }]) {
      expect(map(free(), parameters)).toEqual({
        input: {},
        imagesPerCall: 1,
        resolution: '1K',
        pixels: { width: 1184, height: 880 },
        warnings: [],
      })
    }
  })

  it('says which pixels are made in place of those asked', () => {
    const { input, warnings } = map(free(), { size: '4096x4096' })
    expect(input).toEqual({ image_size: { width: 2048, height: 2048 } })
    expect(warnings).toEqual([
      {
        type: 'adjusted',
        param: 'size',
        message: 'size "4096x4096" is not offered here; the nearest, 2048x2048, is made.',
      },
    ])
  })

  it('says which of shape and scale it could not make', () => {
    const parameters = { aspect_ratio: '8:1', resolution: '4K' }
    const { pixels, warnings } = map(free({ bounds: { maxSide: 1024, maxRatio: 2 } }), parameters)
    expect(pixels).toEqual({ width: 1024, height: 512 })
    expect(warnings.map(({ param }) => param)).toEqual(['aspect_ratio', 'resolution'])
  })

  it('says when one ratio gives way to another', () => {
    const { warnings } = map(free(), { size: '1:1', aspect_ratio: '16:9' })
    expect(warnings).toEqual([
      {
        type: 'adjusted',
        param: 'aspect_ratio',
        message: 'aspect_ratio "16:9" gives way to size "1:1".',
      },
    ])
  })

  it('is sent pixels in fields of their own, or as text, where it wants them so', () => {
    const sides = { to: 'width', heightTo: 'height' }
    expect(map(free(sides), { size: '512x256' }).input).toEqual({ width: 512, height: 256 })
    expect(map(free({ form: 'text' }), { size: '512x256' }).input).toEqual({
      image_size: '512x256',
    })
  })

  it('lets nobody set those fields past the mapping', () => {
    const mapping = { ...free({ to: 'width', heightTo: 'height' }), passThrough: 'any' as const }
    const { input, warnings } = map(mapping, { height: 9_999 })
    expect(input).toEqual({})
    expect(warnings.map(({ param }) => param)).toEqual(['height'])
  })
})

describe('an offering that has a list of sizes', () => {
  it.each<[JsonObject, JsonObject, string, readonly string[]]>([
    [{ size: '1024x1024' }, { size: 'square_hd' }, '1K', []],
    [{ aspect_ratio: '1:1', resolution: '0.5K' }, { size: 'square' }, '0.5K', []],
    [{ aspect_ratio: '3:2' }, { size: '1536x1024' }, '1K', []],
    [{ aspect_ratio: '16:9' }, { size: '1536x1024' }, '1K', ['aspect_ratio']],
    [{ aspect_ratio: '2:3' }, {}, '1K', []],
    [{ size: '1200x1200' }, { size: 'square_hd' }, '1K', ['size']],
    [{ resolution: '4K' }, { size: '1536x1024' }, '1K', ['resolution']],
  ])('makes of %j the nearest', (parameters, input, resolution, adjusted) => {
    const mapped = map(listed, parameters)
    expect(mapped).toMatchObject({ input, resolution })
    expect(mapped.warnings.map(({ param }) => param)).toEqual(adjusted)
  })
})

describe('a number beyond what an offering takes', () => {
  it('is brought to the nearest that it takes, and that is reported', () => {
    const steps = { to: 'num_inference_steps', within: [1, 4] }
    const mapping = mappingWith({ to: 's', codec: 'free_size' }, { steps })
    expect(map(mapping, { steps: 3 })).toMatchObject({ input: { num_inference_steps: 3 } })
    expect(map(mapping, { steps: 30 })).toMatchObject({
      input: { num_inference_steps: 4 },
      warnings: [{ type: 'adjusted', param: 'steps' }],
    })
  })
})

describe('fitting a size into bounds', () => {
  const side = fc.integer({ min: 1, max: 99_999 })

  it.each<[string, SizeBounds]>([
    ['sides', { minSide: 256, maxSide: 2048, multipleOf: 16 }],
    ['sides and area', { minSide: 256, maxSide: 4096, multipleOf: 16, maxPixels: 8_294_400 }],
    ['a least area that long shapes cannot have', { maxSide: 4096, minPixels: 3_686_400 }],
    [
      'area, shape and sides',
      { multipleOf: 16, maxSide: 3840, maxRatio: 3, minPixels: 655_360, maxPixels: 8_294_400 },
    ],
  ])('always keeps bounds of %s, whatever is wished', (_, bounds) => {
    const { minSide = 1, maxSide = 1e9, minPixels = 1, maxPixels = 1e9, maxRatio = 1e9 } = bounds
    fc.assert(
      fc.property(side, side, (width, height) => {
        const made = fitSize(wishOfSize({ width, height }), bounds)
        const [shorter = 0, longer = 0] = [made.width, made.height].sort((a, b) => a - b)
        expect([made.width, made.height].map((each) => each % (bounds.multipleOf ?? 1))).toEqual([
          0, 0,
        ])
        expect(shorter).toBeGreaterThanOrEqual(minSide)
        expect(longer).toBeLessThanOrEqual(maxSide)
        expect(longer / shorter).toBeLessThanOrEqual(maxRatio)
        expect(shorter * longer).toBeGreaterThanOrEqual(minPixels)
        expect(shorter * longer).toBeLessThanOrEqual(maxPixels)
      }),
      { numRuns: 400 },
    )
  })

  it('makes the longest shape that there is where a longer one is wished', () => {
    const bounds = { maxSide: 4096, minPixels: 3_686_400 }
    expect(fitSize(wishOfShape(8, '1K'), bounds)).toEqual({ width: 4096, height: 900 })
    expect(fitSize(wishOfShape(1 / 8, '4K'), bounds)).toEqual({ width: 900, height: 4096 })
  })

  it('gives a size of the list, whatever is wished', () => {
    const options = ['1024x1024', '1536x1024', '1024x1536']
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 100, noNaN: true }), (ratio) => {
        expect(options).toContain(nearestSize(wishOfShape(ratio, '1K'), options))
      }),
    )
  })
})
