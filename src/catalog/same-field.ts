import { isJsonObject, type JsonObject, type JsonValue } from '#src/domain/json.ts'
import type { MappingRule, ParameterMapping, ToRule } from '#src/domain/mapping-rules.ts'
import { isToRule } from './mapping-draft.ts'

/** A rule whose values are sent as they are, or by a table: two of them on one field may contradict each other. */
const isPlain = (rule: MappingRule): rule is ToRule => isToRule(rule) && !rule.codec

/** What a rule makes of a value; null: nothing is sent, as the provider does that anyway. */
const wordFor = ({ values }: ToRule, value: JsonValue): JsonValue | undefined => {
  if (values === undefined || Array.isArray(values)) return value
  const word = Object.hasOwn(values, String(value)) ? values[String(value)] : undefined
  return word as JsonValue | undefined
}

/** Parameters with plain rules that share their field with another's, in the order of the rules. */
const rivalsIn = ({ rules }: ParameterMapping): readonly (readonly [string, ToRule])[] => {
  const plain = Object.entries(rules).filter((entry): entry is [string, ToRule] =>
    isPlain(entry[1]),
  )
  return plain.filter(([name, { to }]) =>
    plain.some(([other, rule]) => other !== name && rule.to === to),
  )
}

/** Mappings are read once and asked for every request: few have any rivals. */
const knownRivals = new WeakMap<ParameterMapping, ReturnType<typeof rivalsIn>>()

const rivalsOf = (mapping: ParameterMapping): ReturnType<typeof rivalsIn> => {
  const known = knownRivals.get(mapping) ?? rivalsIn(mapping)
  knownRivals.set(mapping, known)
  return known
}

/**
 * Parameters that are to be sent in a field for which a later rule has another word: `quality` "high" beside
 * `rendering_speed` "TURBO". Objects are merged, and contradict nothing.
 */
export const overruledInField = (
  mapping: ParameterMapping,
  parameters: Readonly<JsonObject>,
): { readonly name: string; readonly by: string }[] => {
  const given = rivalsOf(mapping).flatMap(([name, rule]) => {
    const value = parameters[name]
    if (value === undefined || value === null || value === 'auto') return []
    return [{ name, field: rule.to, word: wordFor(rule, value) }]
  })
  return given.flatMap(({ name, field, word }, index) => {
    const last = given.findLast((one) => one.field === field)
    if (!last || given.indexOf(last) === index || last.word === word) return []
    return isJsonObject(last.word) || isJsonObject(word) ? [] : [{ name, by: last.name }]
  })
}
