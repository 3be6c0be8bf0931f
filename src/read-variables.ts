import { readFileSync } from 'node:fs'
import { Ajv, type ErrorObject } from 'ajv'
import type { TObject } from 'typebox'

/** Variables as a process has them, by name. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The variables of one schema: empty ones as absent, secrets from their `_FILE` variants. */
const pickVariables = (
  schema: TObject,
  environment: Environment,
  problems: string[],
): Record<string, unknown> => {
  const picked: Record<string, unknown> = {}
  for (const [name, property] of Object.entries(schema.properties)) {
    const path = (property as { secret?: boolean }).secret ? environment[`${name}_FILE`] : undefined
    try {
      const value = environment[name] || (path && readFileSync(path, 'utf8').trim())
      if (value) picked[name] = value
    } catch (error) {
      problems.push(`${name}_FILE: ${(error as NodeJS.ErrnoException).code ?? 'unreadable'}`)
    }
  }
  return picked
}

const describeError = (error: ErrorObject): string => {
  const name = error.instancePath.slice(1)
  const allowed = error.keyword === 'enum' ? `: ${String(error.params['allowedValues'])}` : ''
  return `${name} ${error.message ?? 'is wrong'}${allowed}`
}

/** A secret with white space in it cannot be sent in a header; lists of keys are looked at one by one. */
const secretProblems = (schema: TObject, picked: Readonly<Record<string, unknown>>): string[] =>
  Object.entries(schema.properties)
    .filter(([name, property]) => {
      const isOneSecret = (property as { secret?: boolean }).secret && !name.startsWith('GATEWAY_')
      return isOneSecret && /\S\s+\S/.test(String(picked[name] ?? ''))
    })
    .map(([name]) => `${name} has white space in it`)

/** Coerces, fills in defaults and checks; problems are added, and never show a value, which may be a secret. */
export const readVariables = (
  schema: TObject,
  environment: Environment,
  problems: string[],
): Record<string, unknown> => {
  const picked = pickVariables(schema, environment, problems)
  problems.push(...secretProblems(schema, picked))
  const validate = new Ajv({
    allErrors: true,
    coerceTypes: true,
    useDefaults: true,
    strict: false,
  }).compile(schema)
  if (!validate(picked)) problems.push(...(validate.errors ?? []).map(describeError))
  return picked
}
