import { describe, expect, it } from 'vitest'
import type { WantedImages } from '#src/domain/image-result.ts'
import { answerWarnings } from '#src/generation/answer-warnings.ts'

const image = {
  format: 'png',
  size: { width: 16_500, height: 4 },
  sizeBytes: 3,
  content: { kind: 'hosted', path: '/a' },
} as const

const warningsOf = (wanted: Partial<WantedImages>, part: { readonly isUnconverted?: true }) =>
  answerWarnings([{ image: { ...image, ...part }, warnings: [] }], {
    count: 1,
    wanted: { responseFormat: 'url', ...wanted },
    warnings: [],
  })

describe('an image that could not be converted', () => {
  it('is told to be of another format than was asked for', () => {
    expect(warningsOf({ outputFormat: 'webp' }, { isUnconverted: true })).toEqual([
      {
        type: 'adjusted',
        param: 'output_format',
        message: 'The image could not be converted, and is given as it came: png instead of webp.',
      },
    ])
  })

  it('is told not to have been compressed anew where it has the format already', () => {
    const wanted = { outputFormat: 'png', outputCompression: 3 } as const
    expect(warningsOf(wanted, { isUnconverted: true })).toEqual([
      {
        type: 'unsupported',
        param: 'output_compression',
        message:
          'The image could not be converted, and is given as it came: png, not compressed anew.',
      },
    ])
  })

  it('is the only one that is spoken of', () => {
    expect(warningsOf({ outputFormat: 'png' }, {})).toEqual([])
  })
})
