import type { JsonValue } from '#src/domain/json.ts'
import type { MappingRule } from '#src/domain/mapping-rules.ts'
import type { CardParameter } from '#src/domain/model-card.ts'
import type { ModelFile } from '#src/domain/model-file.ts'
import type { Offering, PriceRule } from '#src/domain/offering.ts'
import { type Condition, conditionProblems, meets, wantedValues } from './conditions.ts'
import { isToRule } from './mapping-draft.ts'

const UNITS: Readonly<Record<PriceRule['metric'], PriceRule['unit']>> = {
  output_image: 'image',
  output_megapixel: 'megapixel',
  input_megapixel: 'megapixel',
  input_token: 'million_tokens',
  input_text_token: 'million_tokens',
  input_image_token: 'million_tokens',
  output_text_token: 'million_tokens',
  output_image_token: 'million_tokens',
  request: 'request',
}

/** Such a rule alone says what an image costs before it is made, which routing and dry runs need. */
const pricesImages = ({ metric, tokensByResolution }: PriceRule): boolean =>
  metric === 'output_image' ||
  metric === 'output_megapixel' ||
  (metric === 'output_image_token' && Object.keys(tokensByResolution ?? {}).length > 0)

const ruleProblems = ({ card }: ModelFile, rule: PriceRule, path: string): string[] => {
  const { metric, unit, usd, firstUsd, usdByResolution = {}, usdBySize = {}, when = {} } = rule
  const tables = [usdByResolution, usdBySize].filter((table) => Object.keys(table).length > 0)
  const isPriced = (usd === undefined ? 0 : 1) + tables.length === 1
  return [
    ...(unit === UNITS[metric] ? [] : [`${path}/unit of ${metric} must be ${UNITS[metric]}`]),
    ...(isPriced ? [] : [`${path} must have one of usd, usdByResolution and usdBySize`]),
    ...(firstUsd === undefined || (usd ?? 0) > 0
      ? []
      : [`${path}/firstUsd must stand beside a usd above 0`]),
    ...conditionProblems(card, when, `${path}/when`),
  ]
}

/** Stands for all values that no rule names, of a parameter that takes any. */
const ANY_OTHER = 'any other'

const takenBy = (rule: MappingRule | undefined, value: JsonValue): boolean => {
  if (value === null || rule === undefined) return true
  if ('unsupported' in rule) return rule.unsupported !== 'exclude'
  if (!isToRule(rule) || rule.otherwise !== 'exclude' || rule.values === undefined) return true
  const { values } = rule
  return Array.isArray(values)
    ? values.includes(String(value))
    : Object.hasOwn(values, String(value))
}

/** Every value of a parameter that can come to an offering, as far as prices can differ by it. */
const valuesOf = (
  parameter: CardParameter,
  named: readonly JsonValue[],
  rule: MappingRule | undefined,
): readonly JsonValue[] => {
  const closed = parameter.type === 'boolean' ? [true, false] : parameter.enum
  const values = closed ?? [...named.filter((value) => value !== null), ANY_OTHER]
  const absent = parameter.required === true ? [] : [null]
  return [...absent, ...new Set(values)].filter((value) => takenBy(rule, value))
}

type Case = Readonly<Record<string, JsonValue>>

/** More than any list of prices has: what is beyond is not looked through. */
const MAX_CASES = 10_000

/** Every request that can come to offerings of a mapping, as far as these conditions tell them apart. */
const casesOf = (
  { card, mappings }: ModelFile,
  mapping: string,
  conditions: readonly Condition[],
): readonly Case[] => {
  const { rules = {}, onlyFor } = mappings[mapping] ?? {}
  const all = [...conditions, ...(onlyFor ?? [])]
  let cases: readonly Case[] = [{}]
  for (const name of new Set(all.flatMap(Object.keys))) {
    const parameter = Object.hasOwn(card.parameters, name) ? card.parameters[name] : undefined
    if (!parameter) continue
    const named = all.flatMap((condition) => wantedValues(condition[name] ?? null) as JsonValue[])
    const values = valuesOf(parameter, named, rules[name])
    cases = cases.flatMap((known) => values.map((value) => ({ ...known, [name]: value })))
    if (cases.length > MAX_CASES) return []
  }
  return cases.filter((one) => onlyFor?.some((condition) => meets(condition, one)) ?? true)
}

const describeCase = (one: Case): string =>
  Object.entries(one)
    .map(([name, value]) => (value === null ? `no ${name}` : `${name} ${JSON.stringify(value)}`))
    .join(' and ')

/** A request that meets no rule would cost nothing. */
const gapProblems = (file: ModelFile, { prices, mapping }: Offering, path: string): string[] => {
  const rules = prices.filter(pricesImages)
  const nowhere = `${path}/prices say nothing of what an image costs`
  if (rules.length === 0) return [nowhere]
  const conditions = rules.map(({ when = {} }) => when)
  const gap = casesOf(file, mapping, conditions).find(
    (one) => !conditions.some((condition) => meets(condition, one)),
  )
  return gap === undefined ? [] : [`${nowhere} with ${describeCase(gap)}`]
}

/** What a schema cannot say of an offering's prices: every image has one, and every one can be met. */
export const priceProblems = (file: ModelFile, offering: Offering, path: string): string[] => {
  const problems = offering.prices.flatMap((rule, index) =>
    ruleProblems(file, rule, `${path}/prices/${index}`),
  )
  // A gap beside a slip is that slip's.
  const isSlip = problems.some((problem) => problem.includes('/when'))
  return isSlip ? problems : [...problems, ...gapProblems(file, offering, path)]
}
