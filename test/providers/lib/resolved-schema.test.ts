import { describe, expect, it } from 'vitest'
import { mayBe, propertyOf, resolvedSchema } from '#providers/lib/resolved-schema.ts'
import type { JsonObject } from '#src/domain/json.ts'

const documentWith = (schemas: JsonObject): JsonObject => ({ components: { schemas } })
const resolved = (schemas: JsonObject) =>
  resolvedSchema(documentWith(schemas), '#/components/schemas/Input')

describe('a schema of an OpenAPI document', () => {
  it('stands by itself, whatever it refers to', () => {
    const schemas: JsonObject = {
      Input: {
        properties: {
          size: { $ref: '#/components/schemas/Size', title: 'Size' },
          tone: { allOf: [{ $ref: '#/components/schemas/Tone' }], default: 'warm' },
        },
      },
      Size: { anyOf: [{ $ref: '#/components/schemas/Sides' }, { type: 'string' }] },
      Sides: { type: 'object', properties: { width: { type: 'integer' } } },
      Tone: { $ref: '#/components/schemas/Words' },
      Words: { type: 'string', enum: ['warm', 'cold'] },
    }
    expect(resolved(schemas)).toEqual({
      properties: {
        size: {
          anyOf: [
            { type: 'object', properties: { width: { type: 'integer' } } },
            { type: 'string' },
          ],
          title: 'Size',
        },
        tone: { allOf: [{ type: 'string', enum: ['warm', 'cold'] }], default: 'warm' },
      },
    })
  })

  it('is in the words of today', () => {
    const schemas: JsonObject = {
      Input: {
        properties: {
          seed: { type: 'integer', nullable: true },
          scale: { type: 'number', minimum: 0, exclusiveMinimum: true, exclusiveMaximum: false },
          strength: { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 2 },
        },
      },
    }
    expect(resolved(schemas)).toEqual({
      properties: {
        seed: { type: ['integer', 'null'] },
        scale: { type: 'number', minimum: 0, exclusiveMinimum: 0 },
        strength: { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 2 },
      },
    })
  })

  it('ends where it refers to itself, and where it refers to nothing', () => {
    const schemas: JsonObject = {
      Input: {
        properties: {
          nested: { $ref: '#/components/schemas/Input' },
          lost: { $ref: '#/components/schemas/Nowhere', type: 'string' },
          circle: { $ref: '#/components/schemas/Circle' },
        },
      },
      Circle: { $ref: '#/components/schemas/Circle' },
    }
    expect(resolved(schemas)).toEqual({
      properties: { nested: {}, lost: { type: 'string' }, circle: {} },
    })
  })

  it('is found below keys with slashes, or is not there', () => {
    const document = { paths: { '/a/b': { post: { type: 'object' } } } }
    expect(resolvedSchema(document, '#/paths/~1a~1b/post')).toEqual({ type: 'object' })
    expect(resolvedSchema(document, '#/paths/~1a/post')).toBeUndefined()
    expect(resolvedSchema(document, '#/constructor/name')).toBeUndefined()
  })
})

describe('what a schema says', () => {
  it('of a property is said by any of its alternatives', () => {
    const schema = {
      anyOf: [{ type: 'null' }, { allOf: [{ properties: { url: { type: 'string' } } }] }],
    }
    expect(propertyOf(schema, 'url')).toEqual({ type: 'string' })
    expect(propertyOf(schema, 'uri')).toBeUndefined()
    expect(propertyOf('text', 'url')).toBeUndefined()
  })

  it.each([
    [{ type: 'string' }, true],
    [{ type: ['string', 'null'] }, true],
    [{ anyOf: [{ type: 'null' }, { type: 'string' }] }, true],
    [{ allOf: [{ title: 'x' }, { type: 'string' }] }, true],
    [{}, true],
    [{ type: 'array' }, false],
    [{ allOf: [{ type: 'integer' }] }, false],
    ['text', false],
    [undefined, false],
  ])('%j lets a value be a text: %s', (schema, expected) => {
    expect(mayBe(schema as JsonObject, 'string')).toBe(expected)
  })
})
