import { describe, expect, it } from 'vitest'
import { createPictureMaker } from './picture.ts'
import { wrapText } from './picture-drawing.ts'
import { createPlainPictureMaker } from './picture-plain.ts'
import { ASPECT_RATIOS, nearestAspectRatio, pictureSize } from './picture-sizes.ts'
import { inspect } from './wire-client.ts'

const order = {
  provider: 'fal',
  prompt: 'Fish & <chips> "fresh" \u0000\ud800 …',
  size: { width: 512, height: 512 },
  seed: 1,
  inputs: [],
  format: 'png',
} as const

describe('createPictureMaker', () => {
  it.each(ASPECT_RATIOS)(
    'draws %s in exactly the pixels of the 0.5K and 1K tables',
    async (ratio) => {
      const maker = createPictureMaker()
      for (const tier of ['0.5K', '1K']) {
        const size = pictureSize(ratio, tier)
        const { bytes } = await maker.make({ ...order, size })
        expect(await inspect(bytes)).toEqual({ format: 'png', ...size })
      }
    },
  )

  it('draws the largest tier within seconds', async () => {
    const size = pictureSize('21:9', '4K')
    const { bytes } = await createPictureMaker().make({ ...order, size })
    expect(await inspect(bytes)).toEqual({ format: 'png', width: 6336, height: 2688 })
  })

  it.each(['png', 'jpeg', 'webp'] as const)('encodes real %s', async (format) => {
    const { bytes, mediaType } = await createPictureMaker().make({ ...order, format })
    expect(mediaType).toBe(`image/${format}`)
    expect(await inspect(bytes)).toEqual({ format, width: 512, height: 512 })
  })

  it.each(['png', 'jpeg'] as const)(
    'pads a %s to the wanted bytes and keeps it readable',
    async (format) => {
      const sizeBytes = 300_000
      const { bytes } = await createPictureMaker().make({ ...order, format, sizeBytes })
      expect(bytes.length).toBe(sizeBytes)
      expect(await inspect(bytes)).toEqual({ format, width: 512, height: 512 })
    },
  )

  it('renders the same order once and another seed anew', async () => {
    const maker = createPictureMaker()
    const first = await maker.make(order)
    expect(await maker.make({ ...order })).toBe(first)
    expect((await maker.make({ ...order, seed: 2 })).bytes.equals(first.bytes)).toBe(false)
  })
})

describe('a plain picture', () => {
  it.each(['png', 'jpeg', 'webp'] as const)('is a real %s of the size ordered', async (format) => {
    const size = { width: 1376, height: 769 }
    const { bytes, mediaType } = await createPlainPictureMaker().make({ ...order, size, format })
    expect(mediaType).toBe(`image/${format}`)
    expect(await inspect(bytes)).toEqual({ format, ...size })
  })

  it('is made once for each size and format', async () => {
    const maker = createPlainPictureMaker()
    expect(await maker.make({ ...order, prompt: 'else', seed: 2 })).toBe(await maker.make(order))
  })
})

describe('wrapText', () => {
  it('breaks at spaces, cuts long words and marks what is left out', () => {
    expect(wrapText('a bc def', 5, 9)).toEqual(['a bc', 'def'])
    expect(wrapText('abcdefgh', 3, 9)).toEqual(['abc', 'def', 'gh'])
    expect(wrapText('one two three four', 5, 2)).toEqual(['one', 'two…'])
  })
})

describe('nearestAspectRatio', () => {
  it('finds the ratio of a picture by proportion', () => {
    expect(nearestAspectRatio({ width: 1920, height: 1080 })).toBe('16:9')
    expect(nearestAspectRatio({ width: 100, height: 900 })).toBe('1:8')
  })
})
