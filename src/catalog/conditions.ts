import type { JsonObject } from '#src/domain/json.ts'
import type { CardParameter, ModelCard } from '#src/domain/model-card.ts'

/** Values that parameters of a request have to have: one, or any of a list; null: none at all. */
export type Condition = Readonly<Record<string, unknown>>

/** `quality: ["high", "hd", null]` is met by high, by hd, and by no quality at all. Of several parameters all count. */
export const meets = (condition: Condition, parameters: Readonly<JsonObject>): boolean =>
  Object.entries(condition).every(([name, wanted]) => {
    const given = parameters[name] ?? null
    return Array.isArray(wanted) ? wanted.includes(given) : given === wanted
  })

/** What a condition says of a parameter, as a list. */
export const wantedValues = (wanted: unknown): readonly unknown[] =>
  Array.isArray(wanted) ? wanted : [wanted]

/** Whether a request can have this value; null: none at all. */
const isValueOf = (parameter: CardParameter, value: unknown): boolean => {
  const { type, minimum = -Infinity, maximum = Infinity } = parameter
  if (value === null) return parameter.required !== true
  switch (type) {
    case 'string':
      return typeof value === 'string' && (parameter.enum?.includes(value) ?? true)
    case 'boolean':
      return typeof value === 'boolean'
    case 'integer':
      return Number.isInteger(value) && Number(value) >= minimum && Number(value) <= maximum
    case 'number':
      return typeof value === 'number' && value >= minimum && value <= maximum
    case 'file':
      return false
  }
}

/** What is wrong with a condition of a model file: a value that no request has is a slip. */
export const conditionProblems = (card: ModelCard, condition: Condition, path: string): string[] =>
  Object.entries(condition).flatMap(([name, wanted]) => {
    const parameter = Object.hasOwn(card.parameters, name) ? card.parameters[name] : undefined
    if (!parameter) return [`${path} names "${name}", which is no parameter of the card`]
    const values = wantedValues(wanted)
    if (values.length === 0) return [`${path}/${name} has no value, and is never met`]
    return values
      .filter((value) => !isValueOf(parameter, value))
      .map((value) => `${path}/${name} has ${JSON.stringify(value)}, which no request has`)
  })
