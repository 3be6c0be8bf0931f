import type { JsonObject, JsonValue } from '#src/domain/json.ts'
import type { MappingRule, ParameterMapping, ToRule } from '#src/domain/mapping-rules.ts'
import {
  formatPixelSize,
  type PixelSize,
  parseAspectRatio,
  parsePixelSize,
  RESOLUTION_TIERS,
} from '#src/domain/media.ts'
import { adjusted, isToRule, type MappingDraft, sendFields, setPath } from './mapping-draft.ts'
import {
  fitSize,
  isAsWished,
  nearestSize,
  type WishedSize,
  wishOfShape,
  wishOfSize,
} from './pixel-sizes.ts'
import { isSameRatio } from './split-parameters.ts'

/** A rule that makes pixels of what size, aspect_ratio and resolution say together. */
export type SizeRule = ToRule & { readonly codec: 'nearest_size' | 'free_size' }

export const isSizeRule = (rule: MappingRule | undefined): rule is SizeRule =>
  isToRule(rule) && (rule.codec === 'nearest_size' || rule.codec === 'free_size')

/** What a request says of the size, each as it was written; absent: nothing, or "auto". */
interface AskedSize {
  /** `WxH` */
  readonly pixels?: string
  readonly ratio?: { readonly name: 'size' | 'aspect_ratio'; readonly text: string }
  readonly tier?: string
}

const said = (parameters: Readonly<JsonObject>, name: string): string | undefined => {
  const value = parameters[name]
  return typeof value === 'string' && value !== 'auto' ? value : undefined
}

const readAsked = (parameters: Readonly<JsonObject>): AskedSize => {
  const size = said(parameters, 'size')
  if (size !== undefined && parsePixelSize(size)) return { pixels: size }
  const aspectRatio = said(parameters, 'aspect_ratio')
  const tier = said(parameters, 'resolution')
  const text = size ?? aspectRatio
  return {
    ...(text !== undefined && { ratio: { name: size ? 'size' : 'aspect_ratio', text } }),
    ...(tier !== undefined && { tier }),
  }
}

const wishOf = (
  { pixels, ratio, tier }: AskedSize,
  mapping: ParameterMapping,
  followed: PixelSize | undefined,
): WishedSize => {
  const size = pixels === undefined ? undefined : parsePixelSize(pixels)
  if (size) return wishOfSize(size)
  const { defaultRatio = '1:1', defaultResolution } = mapping
  const usual = followed ? `${followed.width}:${followed.height}` : defaultRatio
  const shape = parseAspectRatio(ratio?.text ?? usual) ?? 1
  return wishOfShape(shape, RESOLUTION_TIERS.find((name) => name === tier) ?? defaultResolution)
}

const optionsOf = ({ values = [] }: ToRule): readonly string[] =>
  Array.isArray(values) ? values : Object.keys(values)

/** The size that the offering makes of a wish; `undefined`: its list has none. */
const sizeFor = (
  rule: ToRule,
  wish: WishedSize,
): { readonly option?: string; readonly size: PixelSize } | undefined => {
  if (rule.codec === 'free_size') return { size: fitSize(wish, rule.bounds ?? {}) }
  const option = nearestSize(wish, optionsOf(rule))
  const size = option === undefined ? undefined : parsePixelSize(option)
  return option === undefined || !size ? undefined : { option, size }
}

const send = (
  draft: MappingDraft,
  { to, heightTo, form, values }: ToRule,
  { option, size }: { readonly option?: string; readonly size: PixelSize },
): void => {
  const set = (path: string, value: JsonValue): void => setPath(draft.input, path, value)
  if (option !== undefined) {
    const value = Array.isArray(values) ? option : values?.[option]
    if (value !== null) set(to, value as JsonValue)
  } else if (heightTo !== undefined) {
    set(to, size.width)
    set(heightTo, size.height)
  } else {
    set(to, form === 'text' ? formatPixelSize(size) : { ...size })
  }
}

const warn = (draft: MappingDraft, asked: AskedSize, wish: WishedSize, given: PixelSize): void => {
  const made = formatPixelSize(given)
  const { shape, scale } = isAsWished(given, wish)
  if (asked.pixels !== undefined) {
    if (made !== asked.pixels) draft.warnings.push(adjusted('size', asked.pixels, made))
    return
  }
  if (asked.ratio && !shape) {
    draft.warnings.push(adjusted(asked.ratio.name, asked.ratio.text, made))
  }
  if (asked.tier !== undefined && !scale) {
    draft.warnings.push(adjusted('resolution', asked.tier, made))
  }
}

/** `size` as a ratio holds against another `aspect_ratio`. */
const warnOfContradiction = (draft: MappingDraft, parameters: Readonly<JsonObject>): void => {
  const { ratio } = readAsked(parameters)
  const aspectRatio = said(parameters, 'aspect_ratio')
  if (ratio?.name !== 'size' || aspectRatio === undefined || isSameRatio(ratio.text, aspectRatio)) {
    return
  }
  const message = `aspect_ratio ${JSON.stringify(aspectRatio)} gives way to size ${JSON.stringify(ratio.text)}.`
  draft.warnings.push({ type: 'adjusted', param: 'aspect_ratio', message })
}

/** What is made where nothing is asked; prices depend on it. */
const sizeUnasked = (
  { mapping }: MappingDraft,
  rule: ToRule,
  followed: PixelSize | undefined,
): PixelSize | undefined => {
  return followed
    ? sizeFor(rule, wishOfSize(followed))?.size
    : parsePixelSize(mapping.defaultSize ?? '')
}

/** What an edit is sent that asks for no size, so that its image's shape is kept as well as can be. */
const sendUnasked = (draft: MappingDraft, rule: ToRule): void => {
  sendFields(draft, rule.ofInput)
  const like = rule.likeInput && draft.inputSize && sizeFor(rule, wishOfSize(draft.inputSize))
  if (!like) return
  send(draft, rule, like)
  sendFields(draft, rule.besides)
}

/**
 * Sends width and height for what size, aspect_ratio and resolution ask together; nothing where they ask for nothing.
 * `2:3` at 2K for a provider that takes sides of up to 2048 in multiples of 16: 1360x2048.
 */
export const applySizeRule = (
  draft: MappingDraft,
  rule: ToRule,
  parameters: Readonly<JsonObject>,
): void => {
  const asked = readAsked(parameters)
  const follows = draft.mapping.followsInput === true || rule.likeInput === true
  const followed = follows ? draft.inputSize : undefined
  const wish = wishOf(asked, draft.mapping, followed)
  const found = sizeFor(rule, wish)
  if (!found) return
  draft.pixels = found.size
  if (Object.keys(asked).length === 0) {
    draft.pixels = sizeUnasked(draft, rule, followed) ?? found.size
    if (draft.isEdit) sendUnasked(draft, rule)
    return
  }
  send(draft, rule, found)
  sendFields(draft, rule.besides)
  warn(draft, asked, wish, found.size)
  warnOfContradiction(draft, parameters)
}
