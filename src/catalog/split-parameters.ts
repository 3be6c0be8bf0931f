import type { JsonObject, JsonValue } from '#src/domain/json.ts'
import type { ParameterMapping } from '#src/domain/mapping-rules.ts'
import { parseAspectRatio, parsePixelSize } from '#src/domain/media.ts'
import { isReadBy } from './codecs.ts'
import { isToRule } from './mapping-draft.ts'

/** Parameters after those that decide several others were split, and what was said in vain. */
export interface SplitParameters {
  readonly parameters: JsonObject
  /** Deciding parameters whose shape this offering cannot make. */
  readonly unread: readonly string[]
  /** Parameters that gave way to another of the same meaning. */
  readonly overruled: readonly { readonly name: string; readonly by: string }[]
}

/** `32:18` is `16:9`. */
export const isSameRatio = (left: JsonValue, right: JsonValue): boolean =>
  left === right || parseAspectRatio(String(left)) === parseAspectRatio(String(right))

/** Splits the parameters that decide several others (`size` → `aspect_ratio` and `resolution`). */
export const splitParameters = (
  mapping: ParameterMapping,
  parameters: Readonly<JsonObject>,
): SplitParameters => {
  const result: JsonObject = { ...parameters }
  const unread: string[] = []
  const overruled: { name: string; by: string }[] = []
  for (const [name, rule] of Object.entries(mapping.rules)) {
    const value = parameters[name]
    if (!('split' in rule) || typeof value !== 'string' || value === 'auto') continue
    const isPixels = parsePixelSize(value) !== undefined
    let isShapeRead = false
    for (const target of rule.split) {
      const targetRule = mapping.rules[target]
      const isTaken =
        isToRule(targetRule) && (!targetRule.codec || isReadBy(targetRule.codec, value))
      const before = result[target]
      // Pixels decide shape and scale, and what is said of either besides is ignored; a ratio can only contradict.
      if (isPixels) delete result[target]
      else if (
        isTaken &&
        before !== undefined &&
        before !== 'auto' &&
        !isSameRatio(before, value)
      ) {
        overruled.push({ name: target, by: name })
      }
      if (!isTaken) continue
      result[target] = value
      isShapeRead ||= targetRule.codec !== 'nearest_tier'
    }
    if (!isShapeRead) unread.push(name)
  }
  return { parameters: result, unread, overruled }
}
