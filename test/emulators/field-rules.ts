/** What a provider's schema says about one input field. */
export type FieldRule = (
  | { readonly type: 'boolean' }
  | {
      readonly type: 'string'
      /** Characters. Absent: no limit is known. */
      readonly minLength?: number
      readonly maxLength?: number
      /** Absent: no `uri` in the schema. */
      readonly isUri?: boolean
    }
  | { readonly type: 'one_of'; readonly values: readonly string[] }
  | {
      readonly type: 'integer' | 'number'
      readonly minimum?: number
      readonly maximum?: number
      /** The value has to be larger than this one. */
      readonly above?: number
    }
  | {
      readonly type: 'strings'
      /** Absent: no limit is known. */
      readonly maxItems?: number
      readonly isUri?: boolean
    }
  | { readonly type: 'numbers' }
  | { readonly type: 'object'; readonly fields: FieldRules }
  | { readonly type: 'objects'; readonly fields: FieldRules; readonly maxItems?: number }
  | {
      /** The name of a size, or `{width, height}`. */
      readonly type: 'size'
      readonly names: readonly string[]
      /** Absent: any width and height from 1 to 14,142. */
      readonly limits?: SizeLimits
    }
) & {
  /** Absent: may be left out. */
  readonly isRequired?: boolean
  /** What the schema prints as the default; absent: it prints none. */
  readonly default?: unknown
}

/** The fields of an input, in the order of the schema. */
export type FieldRules = Readonly<Record<string, FieldRule>>

/** What a width and a height given in pixels have to keep. Absent ones are not limited. */
export interface SizeLimits {
  /** Pixels per side. */
  readonly minSide?: number
  readonly maxSide?: number
  /** Width times height. */
  readonly minPixels?: number
  readonly maxPixels?: number
  /** A size whose sides both lie within these is right whatever its pixels. */
  readonly orSides?: { readonly min: number; readonly max: number }
  readonly multipleOf?: number
  /** Longer side divided by the shorter one. */
  readonly maxRatio?: number
}

export type FieldProblemKind =
  | 'missing'
  | 'wrong_type'
  | 'not_one_of'
  | 'too_small'
  | 'too_large'
  | 'not_above'
  | 'too_short'
  | 'too_long'
  | 'too_many'
  | 'bad_size'
  | 'unknown'

/** One thing that is wrong with an input. */
export interface FieldProblem {
  readonly field: string
  readonly kind: FieldProblemKind
  readonly value: unknown
  /** Absent when the field is unknown. */
  readonly rule?: FieldRule
}

/** Largest side that fal's `ImageSize` takes. */
const MAX_SIDE = 14_142

const checkNumber = (
  value: number,
  rule: Extract<FieldRule, { type: 'integer' | 'number' }>,
): FieldProblemKind | undefined => {
  if (value < (rule.minimum ?? Number.NEGATIVE_INFINITY)) return 'too_small'
  if (value > (rule.maximum ?? Number.POSITIVE_INFINITY)) return 'too_large'
  return value <= (rule.above ?? Number.NEGATIVE_INFINITY) ? 'not_above' : undefined
}

const checkText = (
  value: string,
  rule: Extract<FieldRule, { type: 'string' }>,
): FieldProblemKind | undefined => {
  if (value.length < (rule.minLength ?? 0)) return 'too_short'
  return value.length > (rule.maxLength ?? Number.POSITIVE_INFINITY) ? 'too_long' : undefined
}

const keepsLimits = (width: number, height: number, limits: SizeLimits): boolean => {
  const sides = [width, height]
  const { orSides } = limits
  if (orSides && sides.every((side) => side >= orSides.min && side <= orSides.max)) return true
  const pixels = width * height
  return (
    sides.every((side) => side >= (limits.minSide ?? 1) && side <= (limits.maxSide ?? MAX_SIDE)) &&
    sides.every((side) => side % (limits.multipleOf ?? 1) === 0) &&
    pixels >= (limits.minPixels ?? 1) &&
    pixels <= (limits.maxPixels ?? Number.POSITIVE_INFINITY) &&
    Math.max(...sides) / Math.min(...sides) <= (limits.maxRatio ?? Number.POSITIVE_INFINITY)
  )
}

const isSide = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) > 0 && (value as number) <= MAX_SIDE

const checkSize = (
  value: unknown,
  rule: Extract<FieldRule, { type: 'size' }>,
): FieldProblemKind | undefined => {
  if (typeof value === 'string') return rule.names.includes(value) ? undefined : 'not_one_of'
  if (!isObject(value)) return 'wrong_type'
  // 512 is fal's default for a side that is left out.
  const { width = 512, height = 512 } = value
  if (!isSide(width) || !isSide(height)) return 'wrong_type'
  return keepsLimits(width, height, rule.limits ?? {}) ? undefined : 'bad_size'
}

const checkList = (
  value: unknown,
  isItem: (item: unknown) => boolean,
  maxItems = Number.POSITIVE_INFINITY,
): FieldProblemKind | undefined => {
  if (!Array.isArray(value) || !value.every(isItem)) return 'wrong_type'
  return value.length > maxItems ? 'too_many' : undefined
}

const hasFields = (value: unknown, fields: FieldRules): boolean =>
  isObject(value) && checkFields(value, fields).every(({ kind }) => kind === 'unknown')

const checkValue = (value: unknown, rule: FieldRule): FieldProblemKind | undefined => {
  switch (rule.type) {
    case 'string':
      return typeof value === 'string' ? checkText(value, rule) : 'wrong_type'
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'wrong_type'
    case 'one_of':
      return rule.values.includes(value as string) ? undefined : 'not_one_of'
    case 'integer':
      return Number.isInteger(value) ? checkNumber(value as number, rule) : 'wrong_type'
    case 'number':
      return Number.isFinite(value) ? checkNumber(value as number, rule) : 'wrong_type'
    case 'strings':
      return checkList(value, (item) => typeof item === 'string', rule.maxItems)
    case 'numbers':
      return checkList(value, Number.isFinite)
    case 'object':
      return hasFields(value, rule.fields) ? undefined : 'wrong_type'
    case 'objects':
      return checkList(value, (item) => hasFields(item, rule.fields), rule.maxItems)
    case 'size':
      return checkSize(value, rule)
  }
}

/** Everything that is wrong, in the order of the rules, unknown fields last. */
export const checkFields = (
  input: Readonly<Record<string, unknown>>,
  rules: FieldRules,
): FieldProblem[] => {
  const problems: FieldProblem[] = []
  for (const [field, rule] of Object.entries(rules)) {
    const value = input[field]
    if (value === undefined) {
      if (rule.isRequired) problems.push({ field, kind: 'missing', value, rule })
      continue
    }
    const kind = checkValue(value, rule)
    if (kind) problems.push({ field, kind, value, rule })
  }
  for (const field of Object.keys(input)) {
    if (!(field in rules)) problems.push({ field, kind: 'unknown', value: input[field] })
  }
  return problems
}

/** The number that a value went beyond; `undefined` for problems of other kinds. */
export const boundOf = ({ kind, rule }: FieldProblem): number | undefined => {
  const bounds: Readonly<Partial<Record<FieldProblemKind, keyof Bounds>>> = {
    too_small: 'minimum',
    too_large: 'maximum',
    not_above: 'above',
    too_short: 'minLength',
    too_long: 'maxLength',
    too_many: 'maxItems',
  }
  const name = bounds[kind]
  return name === undefined ? undefined : (rule as Bounds | undefined)?.[name]
}

interface Bounds {
  readonly minimum?: number
  readonly maximum?: number
  readonly above?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly maxItems?: number
}

/** True for a plain JSON object: not null, not an array. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The fields that hold a URL or a list of URLs of pictures, masks among them. */
export const uriFields = (rules: FieldRules): string[] =>
  Object.entries(rules)
    .filter(([, rule]) => (rule.type === 'string' || rule.type === 'strings') && rule.isUri)
    .map(([field]) => field)

/** A field of an input as a list of texts: none when it is absent, one when it is a single text. */
export const textsOf = (value: unknown): string[] => {
  if (typeof value === 'string') return [value]
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

/** The input without the fields that the schema does not have: a model never sees those. */
export const knownFields = (
  input: Readonly<Record<string, unknown>>,
  rules: FieldRules,
): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(input).filter(([field]) => field in rules))
