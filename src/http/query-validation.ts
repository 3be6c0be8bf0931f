import { Ajv } from 'ajv'
import type { FastifySchemaCompiler } from 'fastify'
import { type GatewayError, invalidRequest } from '#src/domain/errors.ts'
import { OWN_SCHEMA } from '#src/domain/own-schema.ts'

/** Queries are text: numbers in them are read as such. What is not declared is passed over. */
const ajv = new Ajv({
  ...OWN_SCHEMA,
  coerceTypes: true,
  useDefaults: true,
  removeAdditional: false,
})

const compileQuery: FastifySchemaCompiler<object> = ({ schema }) => ajv.compile(schema)

interface Problem {
  readonly instancePath: string
  readonly message?: string
  readonly params: Readonly<Record<string, unknown>>
}

/** The 400 that names the parameter and what it may be. */
const explain = ([problem]: readonly Problem[]): GatewayError => {
  const param = problem?.instancePath.split('/')[1]
  const allowed = problem?.params['allowedValues']
  const rule = Array.isArray(allowed) ? `must be one of ${allowed.join(', ')}` : problem?.message
  return invalidRequest(`${param ?? 'The query'} ${rule ?? 'cannot be read'}.`, param)
}

/** Options of a route whose schema is about its query. */
export const queryValidation = {
  validatorCompiler: compileQuery,
  schemaErrorFormatter: (problems: Problem[]): Error => explain(problems),
}
