import type { RouteShorthandOptions } from 'fastify'

/**
 * Answers go out as they are: a schema of an answer is for readers, and leaves out nothing that it does not know.
 */
export const documentedAnswers = {
  serializerCompiler: () => JSON.stringify,
} satisfies RouteShorthandOptions

/**
 * Options of a route whose schema is for readers only. What comes is checked elsewhere: parameters by their model's own
 * schema, flags by `readFlag`.
 */
export const documentedOnly = {
  ...documentedAnswers,
  validatorCompiler: () => () => true,
} satisfies RouteShorthandOptions
