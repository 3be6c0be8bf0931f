import { type TSchema, Type as TypeBox } from 'typebox'
import { expect, it } from 'vitest'
import { Type } from '#src/domain/schema-type.ts'

type Builders = typeof Type

/** Everything that is used, as the library makes it and as it is made here. */
const schemas = (T: Builders): TSchema[] => {
  const person = T.Object(
    { name: T.String({ minLength: 1 }), age: T.Optional(T.Integer({ minimum: 0 })) },
    { additionalProperties: false, description: 'somebody' },
  )
  return [
    person,
    T.Partial(person),
    T.Partial(person, { additionalProperties: false }),
    T.Object({ ...T.Partial(person).properties, name: person.properties.name }),
    T.Object({}),
    T.Object(
      { all: T.Optional(T.Unsafe<string>({ type: 'string', enum: ['a'] })) },
      { title: 'x' },
    ),
    T.Array(T.Number({ maximum: 3 }), { minItems: 1 }),
    T.Record(T.String(), T.Boolean({ default: true }), { description: 'flags' }),
    T.Record(T.String({ pattern: '^a' }), T.Unknown()),
    T.Union([T.Literal('a', { description: 'b' }), T.Literal(3), T.Literal(true), T.Null()], {
      description: 'one of them',
    }),
    T.Unknown({ description: 'anything' }),
    T.Unsafe<string>({ type: ['string', 'null'] }),
  ]
}

it('makes the JSON Schemas that TypeBox makes', () => {
  expect(schemas(Type).map((schema) => JSON.stringify(schema))).toEqual(
    schemas(TypeBox).map((schema) => JSON.stringify(schema)),
  )
})
