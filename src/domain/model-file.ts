import type { Static } from 'typebox'
import { MappingSchema } from './mapping-rules.ts'
import { CardSchema, ParameterSchema } from './model-card.ts'
import { OfferingSchema } from './offering.ts'
import { strict, text } from './schema-parts.ts'
import { Type } from './schema-type.ts'

/*
 * The format of a model file (`src/catalog/models/<creator>--<model>.json`): one model's card, how its parameters map
 * to each provider's, and its offerings. Data only.
 */

/** A model file with everything said. */
export const ModelFileSchema = Type.Object(
  {
    card: CardSchema,
    mappings: Type.Record(Type.String(), MappingSchema),
    offerings: Type.Array(OfferingSchema, { minItems: 1 }),
  },
  strict,
)
export type ModelFile = Static<typeof ModelFileSchema>

const WrittenCardSchema = Type.Object(
  {
    ...CardSchema.properties,
    parameters: Type.Record(Type.String(), Type.Partial(ParameterSchema, strict), {
      description:
        'By name. What a parameter that many models have leaves out is as in `common-parameters.ts`',
    }),
  },
  strict,
)

const WrittenMappingSchema = Type.Object(
  {
    ...Type.Partial(MappingSchema).properties,
    extends: Type.Optional(text('Another mapping, whose rules and settings hold where none is')),
  },
  strict,
)

const WrittenOfferingSchema = Type.Object(
  {
    ...Type.Partial(OfferingSchema).properties,
    configKey: OfferingSchema.properties.configKey,
    extends: Type.Optional(text('Config key of another offering, which says what is left out')),
  },
  strict,
)

/** A model file as people write it, without what goes without saying. */
export const WrittenModelFileSchema = Type.Object(
  {
    $schema: Type.Optional(Type.String({ description: 'For editors' })),
    card: WrittenCardSchema,
    mappings: Type.Record(Type.String(), WrittenMappingSchema),
    offerings: Type.Array(WrittenOfferingSchema, { minItems: 1 }),
  },
  { ...strict, title: 'A model of Fresnel' },
)
export type WrittenModelFile = Static<typeof WrittenModelFileSchema>
