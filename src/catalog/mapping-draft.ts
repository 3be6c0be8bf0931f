import type { Warning } from '#src/domain/image-request.ts'
import { copyJson, isJsonObject, type JsonObject, type JsonValue } from '#src/domain/json.ts'
import type { MappingRule, ParameterMapping, ToRule } from '#src/domain/mapping-rules.ts'
import type { PixelSize } from '#src/domain/media.ts'

/** Mapping under way; each rule adds to it. */
export interface MappingDraft {
  readonly mapping: ParameterMapping
  readonly isEdit: boolean
  /** Of the first input image; absent: there is none, or it is not known. */
  readonly inputSize?: PixelSize | undefined
  readonly input: JsonObject
  readonly warnings: Warning[]
  /** Canonical values that were chosen in place of those asked. */
  readonly chosen: Map<string, { asked: JsonValue; given: string; isExact: boolean }>
  /** Pixels that a rule of sizes chose; absent: there is none, or nothing was asked of it. */
  pixels?: PixelSize
  excludedBy?: { param: string; reason: string }
}

/** Whether a rule sends a parameter's value. */
export const isToRule = (rule: MappingRule | undefined): rule is ToRule =>
  rule !== undefined && 'to' in rule && !('const' in rule)

/** Sets `a.0.b` in `target` to a copy, making objects and lists on the way; objects that meet are merged. */
export const setPath = (target: JsonObject, path: string, value: JsonValue): void => {
  const keys = path.split('.')
  let node: Record<string, JsonValue> = target
  for (const [index, key] of keys.slice(0, -1).entries()) {
    const isList = /^\d+$/.test(keys[index + 1] ?? '')
    node[key] ??= isList ? [] : {}
    node = node[key] as Record<string, JsonValue>
  }
  const last = keys.at(-1) as string
  const present = node[last]
  const own = copyJson(value)
  node[last] = isJsonObject(present) && isJsonObject(own) ? { ...present, ...own } : own
}

/** Sends fields that a rule names with their values. */
export const sendFields = (
  { input }: MappingDraft,
  fields: Readonly<Record<string, unknown>> | undefined,
): void => {
  for (const [field, value] of Object.entries(fields ?? {})) {
    setPath(input, field, value as JsonValue)
  }
}

/** A value, or any value, is not taken: `handling` says what that means. */
export const refuse = (
  draft: MappingDraft,
  handling: string | undefined,
  param: string,
  value?: JsonValue,
): void => {
  const what =
    value === undefined ? `"${param}"` : `the value ${JSON.stringify(value)} of "${param}"`
  if (handling === 'exclude') draft.excludedBy ??= { param, reason: `does not take ${what}` }
  if (handling === 'warn' || handling === undefined) {
    draft.warnings.push({
      type: 'unsupported',
      param,
      message: `${what} has no counterpart here and was not sent.`,
    })
  }
}

/** Something near is made instead of what was asked. */
export const adjusted = (param: string, asked: JsonValue, given: string): Warning => ({
  type: 'adjusted',
  param,
  message: `${param} ${JSON.stringify(asked)} is not offered here; the nearest, ${given}, is made.`,
})
