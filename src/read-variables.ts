import { Ajv, type ErrorObject } from 'ajv'
import type { TObject } from 'typebox'
import { OWN_SCHEMA } from './domain/own-schema.ts'
import { readTextFile } from './read-text-file.ts'

/** Variables as a process has them, by name. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Longest file of a secret, in bytes: ten thousand keys. */
const MAX_SECRET_BYTES = 1_000_000

/** What is no path may be the secret itself, in the wrong variable: that is not shown. */
const asShown = (path: string): string => (/^\.{0,2}\//.test(path) ? path : 'its file')

/** A secret without the white space around it. Throws an error to be read after the variable's name. */
const readSecretFile = (path: string): string => {
  try {
    const secret = readTextFile(path, MAX_SECRET_BYTES).trim()
    if (secret !== '') return secret
  } catch (error) {
    throw new Error(`${asShown(path)} ${(error as Error).message}`)
  }
  throw new Error(`${asShown(path)} is empty`)
}

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
      const value = environment[name] || (path && readSecretFile(path))
      if (value) picked[name] = value
    } catch (error) {
      problems.push(`${name}_FILE: ${(error as Error).message}`)
    }
  }
  return picked
}

const describeError = (error: ErrorObject): string => {
  const name = error.instancePath.slice(1)
  const allowed = error.keyword === 'enum' ? `: ${String(error.params['allowedValues'])}` : ''
  return `${name} ${error.message ?? 'is wrong'}${allowed}`
}

/**
 * A secret with white space in it cannot be sent in a header; lists of keys are looked at one by one, and what may have
 * some says so.
 */
const secretProblems = (schema: TObject, picked: Readonly<Record<string, unknown>>): string[] =>
  Object.entries(schema.properties)
    .filter(([name, property]) => {
      const { secret, mayHaveSpaces } = property as { secret?: boolean; mayHaveSpaces?: boolean }
      const isOneSecret = secret && !mayHaveSpaces && !name.startsWith('GATEWAY_')
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
    ...OWN_SCHEMA,
    allErrors: true,
    coerceTypes: true,
    useDefaults: true,
    strict: false,
  }).compile(schema)
  if (!validate(picked)) problems.push(...(validate.errors ?? []).map(describeError))
  return picked
}
