import { describe, expect, it } from 'vitest'
import { areaTable, FAL_SIZES, FLUX_1, scaleTable, sizeOfArea } from './pixel-tables.ts'
import { type NamedSizing, type RatioSizing, sizeOf } from './sizing.ts'

const text = ({ width, height }: { width: number; height: number }): string => `${width}x${height}`

describe('areaTable', () => {
  it('gives every ratio the wanted pixels in multiples of 16', () => {
    const table = areaTable(['1:1', '16:9', '9:21'], 1)
    expect(Object.values(table).map(text)).toEqual(['1024x1024', '1360x768', '672x1568'])
  })

  it('shrinks a size whose longer side would become too long', () => {
    expect(text(sizeOfArea(16 / 9, 4 * 1_024 * 1_024, { maxSide: 2_048 }))).toBe('2048x1152')
  })
})

const RATIO: RatioSizing = {
  by: 'ratio',
  tables: { '1': FLUX_1, '0.25': scaleTable(FLUX_1, 0.5) },
  tierField: 'megapixels',
  tier: '1',
  ratio: 'match_input_image',
  custom: { multipleOf: 32 },
}
const WIDE = { width: 1_600, height: 900 }
const TALL = { width: 900, height: 1_600 }

describe('sizeOf a ratio', () => {
  it.each<
    [string, RatioSizing, Record<string, unknown>, { width: number; height: number }[], string]
  >([
    ['takes a ratio from the table', RATIO, { aspect_ratio: '3:2' }, [], '1216x832'],
    ['takes the tier', RATIO, { aspect_ratio: '3:2', megapixels: '0.25' }, [], '608x416'],
    ['is square without a ratio and a picture', RATIO, {}, [], '1024x1024'],
    ['follows the first picture', RATIO, {}, [WIDE, TALL], '1344x768'],
    ['follows the last picture', { ...RATIO, follows: 'last' }, {}, [WIDE, TALL], '768x1344'],
    [
      'keeps the proportions of a picture',
      { ...RATIO, keepsProportions: { multipleOf: 16, maxSide: 4_096 } },
      {},
      [{ width: 300, height: 200 }],
      '1248x832',
    ],
    [
      'keeps the resolution of a picture, but half a megapixel at least',
      { ...RATIO, keepsProportions: { multipleOf: 16, maxSide: 4_096 } },
      { megapixels: 'match_input_image' },
      [{ width: 100, height: 100 }],
      '720x720',
    ],
    [
      'rounds a custom size',
      RATIO,
      { aspect_ratio: 'custom', width: 600, height: 401 },
      [],
      '608x416',
    ],
    [
      'fills in a custom side that is left out, where the schema has a default',
      { ...RATIO, custom: { multipleOf: 1, default: 2_048 } },
      { megapixels: 'custom', width: 640 },
      [],
      '640x2048',
    ],
    ['takes pixels for a ratio', RATIO, { aspect_ratio: '2048x1152' }, [], '2048x1152'],
    [
      'prefers a size to the ratio',
      { ...RATIO, sizeField: { name: 'resolution', outranksRatio: true } },
      { aspect_ratio: '3:2', resolution: '512x1536' },
      [],
      '512x1536',
    ],
    [
      'prefers the ratio to a size',
      { ...RATIO, sizeField: { name: 'size', outranksRatio: false } },
      { aspect_ratio: '3:2', size: '512x1536' },
      [],
      '1216x832',
    ],
    [
      'takes the size when there is no ratio',
      { ...RATIO, sizeField: { name: 'size', outranksRatio: false } },
      { aspect_ratio: 'Not set', size: '512x1536' },
      [],
      '512x1536',
    ],
    [
      'ignores the ratio of an edit',
      { ...RATIO, ignoresRatioOfEdits: true },
      { aspect_ratio: '1:1' },
      [WIDE],
      '1344x768',
    ],
  ])('%s', (_, sizing, input, pictures, expected) => {
    expect(text(sizeOf(sizing, input, pictures))).toBe(expected)
  })
})

const NAMED: NamedSizing = {
  by: 'image_size',
  names: { ...FAL_SIZES, auto_2K: { width: 2_048, height: 2_048 } },
  default: 'landscape_4_3',
  auto: { width: 960, height: 960 },
}

describe('sizeOf a name', () => {
  it.each<
    [string, NamedSizing, Record<string, unknown>, { width: number; height: number }[], string]
  >([
    ['takes the default', NAMED, {}, [], '1024x768'],
    ['takes a name', NAMED, { image_size: 'portrait_16_9' }, [], '576x1024'],
    ['takes pixels', NAMED, { image_size: { width: 640, height: 480 } }, [], '640x480'],
    ['fills in a side that is left out', NAMED, { image_size: { width: 640 } }, [], '640x512'],
    ['takes over the size of a picture', NAMED, { image_size: 'auto' }, [WIDE], '1600x900'],
    ['has a size of its own without a picture', NAMED, { image_size: 'auto' }, [], '960x960'],
    ['keeps the proportions at a tier', NAMED, { image_size: 'auto_2K' }, [WIDE], '2736x1536'],
    ['is square at a tier without a picture', NAMED, { image_size: 'auto_2K' }, [], '2048x2048'],
    [
      'chooses among the names',
      { ...NAMED, isAutoOfNames: true },
      { image_size: 'auto' },
      [TALL],
      '576x1024',
    ],
    [
      'scales up what is too small',
      { ...NAMED, scalesInto: { minPixels: 2_000_000, maxPixels: 4_000_000 } },
      {},
      [],
      '1633x1225',
    ],
    [
      'scales down what is too large',
      { ...NAMED, scalesInto: { minPixels: 1, maxPixels: 400_000 } },
      {},
      [],
      '730x547',
    ],
  ])('%s', (_, sizing, input, pictures, expected) => {
    expect(text(sizeOf(sizing, input, pictures))).toBe(expected)
  })

  it('takes width and height as they are, with a default', () => {
    expect(sizeOf({ by: 'width_height', default: 1_024 }, { width: 300 }, [])).toEqual({
      width: 300,
      height: 1_024,
    })
  })
})
