import type { TSchema } from 'typebox'
import { SORTS } from '#src/domain/image-request.ts'
import { MODES } from '#src/domain/model-card.ts'
import { Type } from '#src/domain/schema-type.ts'
import { errorAnswers, jsonAnswer } from './answer-documents.ts'
import { ModelParamsSchema } from './model-schema.ts'
import { candidateFields, choiceFields, ExcludedSchema } from './request-schema.ts'
import { componentOf, oneOf, text } from './schema-parts.ts'

const RoutedCandidateSchema = Type.Object(
  {
    ...candidateFields,
    provider: text('Slug.'),
    provider_name: text('For people.'),
    price_usd: Type.Number({ minimum: 0, description: 'USD of one image there.' }),
    in_flight: Type.Number({ minimum: 0, description: 'Attempts that were under way there.' }),
    health: componentOf('Health'),
  },
  { title: 'Candidate of a model' },
)

const ModelRoutingSchema = Type.Object(
  {
    object: Type.Literal('routing'),
    model: text('Canonical id.'),
    mode: oneOf(MODES),
    sort: oneOf(SORTS),
    decision: Type.Object(choiceFields, { description: 'What would be done first.' }),
    candidates: Type.Array(componentOf('RoutedCandidate'), {
      description: 'In the order in which they would be tried.',
    }),
    excluded: Type.Array(ExcludedSchema),
  },
  { title: 'Model routing', description: 'How a usual request would be routed now.' },
)

/** Answers about how a model is routed. */
export const routingSchemas: Readonly<Record<string, TSchema>> = {
  ModelRouting: ModelRoutingSchema,
  RoutedCandidate: RoutedCandidateSchema,
}

/** `GET /v1/models/{id}/routing`, for readers. */
export const modelRoutingOperation = {
  tags: ['Models'],
  operationId: 'previewRouting',
  summary: 'How a usual request for a model would be routed now',
  description:
    'A request with a prompt, an edit with one picture too, and nothing else. As this gateway sees it, chance left out; nothing is sent.',
  params: ModelParamsSchema,
  querystring: Type.Object({
    mode: Type.Optional(oneOf(MODES, 'Absent: the first of the model.')),
    sort: Type.Optional(oneOf(SORTS, 'As provider.sort. Absent: balanced.')),
  }),
  response: {
    200: jsonAnswer('Its candidates.', componentOf('ModelRouting')),
    ...errorAnswers(400, 404),
  },
}
