import { isObject } from '#test/emulators/field-rules.ts'

/** One reason to answer 400; `field` in snake case as Google prints it. */
export interface RequestProblem {
  readonly message: string
  readonly field?: string
}

/** A JSON object of the request. */
export type Fields = Readonly<Record<string, unknown>>

/** Google's JSON parser names each unknown key and the message that it stands in. */
export const unknownNames = (
  value: Fields,
  allowed: readonly string[],
  path: string,
): RequestProblem[] =>
  Object.keys(value)
    .filter((name) => !allowed.includes(name))
    .map((name) => {
      const place = path ? ` at '${path}'` : ''
      const message = `Invalid JSON payload received. Unknown name "${name}"${place}: Cannot find field.`
      return { message, field: path }
    })

/** A value that does not fit the type of its field. */
export const invalidValue = (path: string, type: string, value: unknown): RequestProblem => ({
  message: `Invalid value at '${path}' (${type}), ${JSON.stringify(value)}`,
  field: path,
})

/** Problems of a field that has to be a JSON object; none when it is absent. */
export const checkMessage = (
  value: unknown,
  path: string,
  check: (fields: Fields) => RequestProblem[],
): RequestProblem[] => {
  if (value === undefined) return []
  return isObject(value) ? check(value) : [invalidValue(path, 'message', value)]
}

/** Problems of a field with a closed list of values; none when it is absent. */
export const checkChoice = (
  value: unknown,
  allowed: readonly string[],
  path: string,
  type: string,
): RequestProblem[] =>
  value === undefined || allowed.includes(value as string) ? [] : [invalidValue(path, type, value)]
