import type { TSchema } from 'typebox'
import { MODES } from '#src/domain/model-card.ts'
import { Type } from '#src/domain/schema-type.ts'
import { componentOf, count, oneOf, text, texts } from './schema-parts.ts'

const limit = (description: string) => Type.Optional(count(description))

const ParameterSchemasSchema = Type.Object(
  Object.fromEntries(
    MODES.map((mode) => [
      mode,
      Type.Optional(
        Type.Object(
          { type: Type.Literal('object'), properties: Type.Record(Type.String(), Type.Unknown()) },
          { additionalProperties: true, description: `A JSON Schema (2020-12): ${mode}.` },
        ),
      ),
    ]),
  ),
  {
    description:
      'With schema=true. What the model takes in each mode, as requests are checked: the components named by model and mode are these. x-group, x-handling (per provider), x-providers (only these have it) and x-kind annotate parameters.',
  },
)

const ModelSchema = Type.Object(
  {
    id: text('Canonical id.'),
    object: Type.Literal('model'),
    created: Type.Integer({ description: 'Unix seconds of its release.' }),
    owned_by: text('Slug of its creator.'),
    name: text('For people.'),
    description: text('One sentence.'),
    creator_organization: text('For people.'),
    family: text('Slug of the model family.'),
    model_status: oneOf(['active', 'preview', 'deprecated']),
    released: text('Year and month.'),
    aliases: texts('Other ids that mean this model.'),
    alternative_names: texts('Other names that people use.'),
    tags: texts('For search.'),
    modality: Type.Literal('image'),
    modalities: Type.Object({ input: texts('Kinds of input.'), output: texts('Kinds of output.') }),
    capabilities: texts('What the model can do, beyond pictures too.'),
    modes: Type.Array(oneOf(MODES)),
    limits: Type.Object({
      max_input_images: count('Of one request.'),
      max_prompt_characters: count('Of a prompt.'),
      context_window: limit('Tokens.'),
      max_output_tokens: limit('Tokens.'),
    }),
    starting_price: Type.Number({ minimum: 0, description: 'USD of the cheapest image.' }),
    currency: Type.Literal('USD'),
    providers: texts('Slugs of the configured providers that offer it.'),
    available: Type.Optional(
      Type.Boolean({ description: 'With all=true: whether a configured provider offers it.' }),
    ),
    schema: Type.Optional(ParameterSchemasSchema),
  },
  { title: 'Model' },
)

/** Answers of the models endpoints. */
export const modelSchemas: Readonly<Record<string, TSchema>> = {
  Model: ModelSchema,
  ModelList: Type.Object(
    { object: Type.Literal('list'), data: Type.Array(componentOf('Model')) },
    { title: 'Models' },
  ),
}

/** Path parameter of all routes of one model. */
export const ModelParamsSchema = Type.Object({
  id: text('Id, alias, provider/model or config key; slashes may stand as they are.'),
})

/** A yes or no of a query. */
export const flag = (description: string): TSchema =>
  Type.Optional(Type.Boolean({ default: false, description }))
