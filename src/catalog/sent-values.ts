import type { JsonObject, JsonValue } from '#src/domain/json.ts'
import type { MappingRule, ToRule } from '#src/domain/mapping-rules.ts'
import { RESOLUTION_TIERS } from '#src/domain/media.ts'
import type { CardParameter, Mode } from '#src/domain/model-card.ts'
import type { Offering } from '#src/domain/offering.ts'
import type { Model } from './catalog.ts'
import { isSizeRule } from './joined-size.ts'
import { isToRule, setPath } from './mapping-draft.ts'
import { fitSize, wishOfShape } from './pixel-sizes.ts'

/** What an offering's mapping can send in one field of the provider. */
export interface SentField {
  /** Dotted path, as in the mapping. */
  readonly path: string
  /** The parameter behind it. */
  readonly param: string
  /** Whether every request of the mode sends it. */
  readonly isAlways: boolean
  /**
   * Values that are sent: all of them where they can be counted, else the outermost. Empty: nothing is known of them.
   */
  readonly values: readonly JsonValue[]
  /** Whether `values` is a list that the model file gives, which may lack what the provider has besides. */
  readonly isListed: boolean
}

/** Longest text that is tried out; a longer limit is as good as none. Shorter ones than the shortest nobody means. */
const LONGEST_TEXT = 1_000_000
const SHORTEST_TEXT = 3

/** Shapes whose pixels are tried out, from the widest that anybody asks for to a square. */
const SHAPES = [21 / 9, 16 / 9, 4 / 3, 1, 3 / 4, 9 / 16, 9 / 21]

const textsOf = ({ minLength = 0, maxLength = 0 }: CardParameter): string[] => {
  const least = Math.max(minLength, SHORTEST_TEXT)
  const most = Math.max(least, Math.min(maxLength, LONGEST_TEXT))
  return [...new Set([least, most])].map((length) => 'x'.repeat(length))
}

/** The ends of a range, as far as they are said, and what lies between whole numbers. */
const numbersOf = ({ type, minimum, maximum }: CardParameter, within: readonly number[]) => {
  const [least = minimum, most = maximum] = within
  const ends = [minimum, maximum].flatMap((end) =>
    end === undefined ? [] : [Math.min(Math.max(end, least ?? end), most ?? end)],
  )
  const first = ends[0] ?? 1
  const isBetween = type === 'number' && first + 0.5 <= (ends[1] ?? first)
  return [...new Set([first, ...ends, ...(isBetween ? [first + 0.5] : [])])]
}

/** Everything that a parameter of this kind can be, or the ends of it; empty where it is no use to guess. */
const valuesOf = (parameter: CardParameter, within: readonly number[] = []): JsonValue[] => {
  const { type, pattern } = parameter
  if (parameter.enum) return [...parameter.enum]
  if (type === 'boolean') return [true, false]
  if (type === 'string') return pattern === undefined ? textsOf(parameter) : []
  return numbersOf(parameter, within)
}

const listedValues = ({ values = [] }: ToRule): JsonValue[] =>
  (Array.isArray(values) ? values : Object.values(values)).filter(
    (value) => value !== null,
  ) as JsonValue[]

/** Pixels that a rule makes of all shapes and tiers. */
const sizesOf = ({ bounds = {} }: ToRule): { width: number; height: number }[] =>
  SHAPES.flatMap((shape) =>
    RESOLUTION_TIERS.map((tier) => {
      const { width, height } = fitSize(wishOfShape(shape, tier), bounds)
      return { width, height }
    }),
  )

const sizeFields = (param: string, rule: ToRule): SentField[] => {
  const common = { param, isAlways: false, isListed: false }
  if (rule.codec === 'nearest_size') {
    return [{ ...common, path: rule.to, values: listedValues(rule), isListed: true }]
  }
  const sizes = sizesOf(rule)
  if (rule.heightTo !== undefined) {
    return [
      { ...common, path: rule.to, values: sizes.map(({ width }) => width) },
      { ...common, path: rule.heightTo, values: sizes.map(({ height }) => height) },
    ]
  }
  const values =
    rule.form === 'text' ? sizes.map(({ width, height }) => `${width}x${height}`) : sizes
  return [{ ...common, path: rule.to, values }]
}

const PICTURE = 'https://images.example/picture.png'

/** `image_urls[]`: as many as may be, and one; a field of one picture: that. */
const pictureField = (
  param: string,
  { to }: ToRule,
  isAlways: boolean,
  most: number,
): SentField => {
  const isList = to.endsWith('[]')
  const lists = [...new Set([1, most])].map((count) => Array<JsonValue>(count).fill(PICTURE))
  return {
    path: to.replace('[]', ''),
    param,
    isAlways,
    values: isList ? lists : [PICTURE],
    isListed: false,
  }
}

const fieldsOfRule = (
  param: string,
  rule: MappingRule,
  parameter: CardParameter,
  { limits }: Offering,
): SentField[] => {
  if (!isToRule(rule)) return []
  const isAlways = parameter.required === true
  if (parameter.type === 'file') {
    const most = param === 'image' ? Math.max(1, limits.maxInputImages) : 1
    return [pictureField(param, rule, isAlways, most)]
  }
  if (isSizeRule(rule)) return sizeFields(param, rule)
  const field = { path: rule.to, param, isAlways, isListed: false }
  // How many pictures are wanted is said in every call, by the gateway itself.
  if (param === 'n' && rule.maximum !== undefined) {
    return [{ ...field, isAlways: true, values: [1, rule.maximum] }]
  }
  if (rule.values !== undefined) {
    const values = listedValues(rule)
    // Of which nothing needs to be said.
    return values.length === 0 ? [] : [{ ...field, values, isListed: true }]
  }
  return [{ ...field, values: valuesOf(parameter, rule.within) }]
}

/** Fields that go with a size, or stand in for what an edit does not ask for. */
const otherFields = (param: string, rule: MappingRule, mode: Mode): SentField[] => {
  if (!isToRule(rule)) return []
  const { besides = {}, ofInput = {} } = rule
  const isEdit = mode === 'image_edit'
  return [...Object.entries(besides), ...(isEdit ? Object.entries(ofInput) : [])].map(
    ([path, value]) => ({
      path,
      param,
      isAlways: false,
      values: [value as JsonValue],
      isListed: false,
    }),
  )
}

/** Everything that an offering can be sent in a mode, but for what clients send under names that no card declares. */
export const sentFields = (model: Model, offering: Offering, mode: Mode): SentField[] => {
  const { parameters } = model.card
  return Object.entries(model.mappingOf(offering).rules).flatMap(([param, rule]): SentField[] => {
    if ('const' in rule) {
      const values = [rule.const as JsonValue]
      return [{ path: rule.to, param, isAlways: true, values, isListed: false }]
    }
    const parameter = Object.hasOwn(parameters, param) ? parameters[param] : undefined
    if (!parameter?.modes.includes(mode)) return []
    const fields = fieldsOfRule(param, rule, parameter, offering)
    const others = otherFields(param, rule, mode)
    const ofPath = (path: string) => others.filter((other) => other.path === path)
    return [
      ...fields.map((field) => ({
        ...field,
        values: [...field.values, ...ofPath(field.path).flatMap(({ values }) => values)],
      })),
      ...others.filter(({ path }) => !fields.some((field) => field.path === path)),
    ]
  })
}

/** The provider's own field that a path leads into, and what is sent there: `a.b` and 1 → `a`, `{ b: 1 }`. */
export const asTopField = (path: string, value: JsonValue): readonly [string, JsonValue] => {
  const input: JsonObject = {}
  setPath(input, path, value)
  return Object.entries(input)[0] as [string, JsonValue]
}
