/** What a provider's schema says about one input field. */
export type FieldRule = (
  | { readonly type: 'string' | 'boolean' }
  | { readonly type: 'one_of'; readonly values: readonly string[] }
  | { readonly type: 'integer'; readonly minimum?: number; readonly maximum?: number }
  | { readonly type: 'strings'; readonly maxItems: number }
) & {
  /** Absent: may be left out. */
  readonly isRequired?: boolean
}

export type FieldProblemKind =
  | 'missing'
  | 'wrong_type'
  | 'not_one_of'
  | 'too_small'
  | 'too_large'
  | 'too_many'
  | 'unknown'

/** One thing that is wrong with an input. */
export interface FieldProblem {
  readonly field: string
  readonly kind: FieldProblemKind
  readonly value: unknown
  /** Absent when the field is unknown. */
  readonly rule?: FieldRule
}

const checkValue = (value: unknown, rule: FieldRule): FieldProblemKind | undefined => {
  switch (rule.type) {
    case 'string':
    case 'boolean':
      return typeof value === rule.type ? undefined : 'wrong_type'
    case 'one_of':
      return rule.values.includes(value as string) ? undefined : 'not_one_of'
    case 'integer':
      if (!Number.isInteger(value)) return 'wrong_type'
      if ((value as number) < (rule.minimum ?? Number.NEGATIVE_INFINITY)) return 'too_small'
      return (value as number) > (rule.maximum ?? Number.POSITIVE_INFINITY)
        ? 'too_large'
        : undefined
    case 'strings':
      if (!Array.isArray(value)) return 'wrong_type'
      if (value.some((item) => typeof item !== 'string')) return 'wrong_type'
      return value.length > rule.maxItems ? 'too_many' : undefined
  }
}

/** Everything that is wrong, in the order of the rules, unknown fields last. */
export const checkFields = (
  input: Readonly<Record<string, unknown>>,
  rules: Readonly<Record<string, FieldRule>>,
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

/** True for a plain JSON object: not null, not an array. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
