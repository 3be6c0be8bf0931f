import { describe, expect, it } from 'vitest'
import { checkFields, type FieldRule, type FieldRules } from './field-rules.ts'
import { objectSchema } from './json-schema.ts'

const kindsOf = (value: unknown, rule: FieldRule): string[] =>
  checkFields({ field: value }, { field: rule }).map(({ kind }) => kind)

const LIMITS = { minSide: 64, maxSide: 2_048, multipleOf: 16, maxRatio: 3, maxPixels: 2_000_000 }

describe('checkFields', () => {
  it.each<[string, unknown, FieldRule, string[]]>([
    ['text within its length', 'abc', { type: 'string', minLength: 2, maxLength: 3 }, []],
    ['text that is too short', 'a', { type: 'string', minLength: 2 }, ['too_short']],
    ['text that is too long', 'abcd', { type: 'string', maxLength: 3 }, ['too_long']],
    ['a fraction within its range', 0.5, { type: 'number', above: 0, maximum: 1 }, []],
    ['a fraction that only equals its bound', 0, { type: 'number', above: 0 }, ['not_above']],
    ['a fraction beyond its range', 1.5, { type: 'number', maximum: 1 }, ['too_large']],
    ['a fraction for a whole number', 1.5, { type: 'integer' }, ['wrong_type']],
    ['text for a number', '1', { type: 'number' }, ['wrong_type']],
    ['a list without a limit', ['a', 'b'], { type: 'strings' }, []],
    ['a list that is too long', ['a', 'b'], { type: 'strings', maxItems: 1 }, ['too_many']],
    ['text for a list', 'a', { type: 'strings' }, ['wrong_type']],
    ['numbers', [1, 2.5], { type: 'numbers' }, []],
    ['text among numbers', [1, 'a'], { type: 'numbers' }, ['wrong_type']],
    ['an object', { r: 1 }, { type: 'object', fields: { r: { type: 'integer' } } }, []],
    [
      'a wrong object',
      { r: 'x' },
      { type: 'object', fields: { r: { type: 'integer' } } },
      ['wrong_type'],
    ],
    ['objects', [{ r: 1 }], { type: 'objects', fields: { r: { type: 'integer' } } }, []],
    ['a size by name', 'square', { type: 'size', names: ['square'] }, []],
    ['a size by another name', 'huge', { type: 'size', names: ['square'] }, ['not_one_of']],
    ['a size in pixels', { width: 9, height: 9 }, { type: 'size', names: [] }, []],
    ['a size without pixels', { width: 0, height: 9 }, { type: 'size', names: [] }, ['wrong_type']],
  ])('judges %s', (_, value, rule, expected) => {
    expect(kindsOf(value, rule)).toEqual(expected)
  })

  it.each([
    ['within all limits', 1_024, 1_024, []],
    ['with a side too small', 48, 64, ['bad_size']],
    ['with a side too large', 2_064, 1_024, ['bad_size']],
    ['off the grid', 1_000, 1_024, ['bad_size']],
    ['too narrow', 2_048, 512, ['bad_size']],
    ['with too many pixels', 2_048, 1_024, ['bad_size']],
  ])('judges a size %s', (_, width, height, expected) => {
    const rule: FieldRule = { type: 'size', names: [], limits: LIMITS }
    expect(kindsOf({ width, height }, rule)).toEqual(expected)
  })

  it('lets sides within their range pass whatever their pixels are', () => {
    const limits = { orSides: { min: 1_920, max: 4_096 }, minPixels: 9e9 }
    const rule: FieldRule = { type: 'size', names: [], limits }
    expect(kindsOf({ width: 1_920, height: 1_920 }, rule)).toEqual([])
    expect(kindsOf({ width: 1_920, height: 1_900 }, rule)).toEqual(['bad_size'])
  })
})

describe('objectSchema', () => {
  it('writes every kind of field as JSON Schema', () => {
    const fields: FieldRules = {
      prompt: { type: 'string', isRequired: true, minLength: 2, maxLength: 9 },
      mask_url: { type: 'string', isUri: true },
      ratio: { type: 'one_of', values: ['1:1'], default: '1:1' },
      steps: { type: 'integer', minimum: 1, maximum: 8 },
      strength: { type: 'number', above: 0 },
      image_urls: { type: 'strings', isUri: true, maxItems: 3 },
      scales: { type: 'numbers' },
      size: { type: 'size', names: ['square'] },
      colours: { type: 'objects', fields: { r: { type: 'integer' } } },
      fast: { type: 'boolean', default: false },
    }
    const style = {
      choice: (field: string, values: readonly string[]) => ({ choiceOf: field, values }),
      size: (names: readonly string[]) => ({ sizes: names }),
    }
    expect(objectSchema(fields, style)).toEqual({
      type: 'object',
      required: ['prompt'],
      properties: {
        prompt: { type: 'string', minLength: 2, maxLength: 9, title: 'Prompt' },
        mask_url: { type: 'string', format: 'uri', title: 'Mask Url' },
        ratio: { choiceOf: 'ratio', values: ['1:1'], title: 'Ratio', default: '1:1' },
        steps: { type: 'integer', minimum: 1, maximum: 8, title: 'Steps' },
        strength: { type: 'number', exclusiveMinimum: 0, title: 'Strength' },
        image_urls: {
          type: 'array',
          items: { type: 'string', format: 'uri' },
          title: 'Image Urls',
        },
        scales: { type: 'array', items: { type: 'number' }, title: 'Scales' },
        size: { sizes: ['square'], title: 'Size' },
        colours: {
          type: 'array',
          items: {
            type: 'object',
            required: [],
            properties: { r: { type: 'integer', title: 'R' } },
          },
          title: 'Colours',
        },
        fast: { type: 'boolean', title: 'Fast', default: false },
      },
    })
  })
})
