import type { Warning } from '#src/domain/image-request.ts'
import type { JsonObject, JsonValue } from '#src/domain/json.ts'
import type { MappingRule, ParameterMapping, ToRule } from '#src/domain/mapping-rules.ts'
import {
  formatPixelSize,
  type PixelSize,
  parsePixelSize,
  RESOLUTION_TIERS,
  type ResolutionTier,
  TIER_SIDE_PIXELS,
} from '#src/domain/media.ts'
import { chooseNearest } from './codecs.ts'
import { meets } from './conditions.ts'
import { applySizeRule, isSizeRule } from './joined-size.ts'
import {
  adjusted,
  isToRule,
  type MappingDraft,
  refuse,
  sendFields,
  setPath,
} from './mapping-draft.ts'
import { tierOf } from './pixel-sizes.ts'
import { overruledInField } from './same-field.ts'
import { splitParameters } from './split-parameters.ts'
import { STANDARD_PARAMETERS } from './standard-parameters.ts'

/** Where an offering takes pictures. */
export interface PictureField {
  readonly field: string
  /** Whether that field takes a list rather than a single picture. */
  readonly isList: boolean
}

/** What a mapping has to know of a request's pictures. */
export interface MappedPictures {
  /** Absent: pictures are made from text. */
  readonly isEdit?: boolean
  /** Absent: there is no mask. */
  readonly hasMask?: boolean
  /** Of the first input image; absent: there is none, or it is not known. */
  readonly inputSize?: PixelSize | undefined
}

/** A request's parameters as one offering takes them. */
export interface MappedParameters {
  /** The provider's input, without images and without the count. */
  readonly input: JsonObject
  /** Field for the input images; absent: the offering has none. */
  readonly imageField?: PictureField
  /** Field for the mask; absent: the offering has none. */
  readonly maskField?: PictureField
  /** Field for the number of images of one call; absent: a call makes one. */
  readonly countField?: string
  /** Most images that one call makes. */
  readonly imagesPerCall: number
  /** Tier that is made, which prices depend on. */
  readonly resolution: ResolutionTier
  /** Pixels that each picture is expected to have; absent: they cannot be told before. */
  readonly pixels?: PixelSize
  /** What this offering does otherwise than asked. */
  readonly warnings: readonly Warning[]
  /** Why this offering cannot serve the request at all; absent: it can. */
  readonly excludedBy?: { readonly param: string; readonly reason: string }
}

/** Sets a field of the provider; null: nothing is to be said. */
const send = ({ input }: MappingDraft, path: string, value: JsonValue | undefined): void => {
  if (value !== null && value !== undefined) setPath(input, path, value)
}

const applyNearest = (draft: MappingDraft, name: string, rule: ToRule, value: JsonValue): void => {
  const options = Array.isArray(rule.values) ? rule.values : Object.keys(rule.values ?? {})
  const nearest = chooseNearest(rule.codec, String(value), options)
  if (!nearest) {
    refuse(draft, rule.otherwise, name, value)
    return
  }
  const sent = Array.isArray(rule.values) ? nearest.chosen : rule.values?.[nearest.chosen]
  send(draft, rule.to, sent as JsonValue)
  draft.chosen.set(name, { asked: value, given: nearest.chosen, isExact: nearest.isExact })
}

/** The number itself, or the nearest that the provider takes. */
const withinLimits = (
  draft: MappingDraft,
  name: string,
  { within }: ToRule,
  value: JsonValue,
): JsonValue => {
  if (within === undefined || typeof value !== 'number') return value
  const [least = value, most = value] = within
  const nearest = Math.min(Math.max(value, least), most)
  if (nearest !== value) draft.warnings.push(adjusted(name, value, String(nearest)))
  return nearest
}

const applyToRule = (draft: MappingDraft, name: string, rule: ToRule, value: JsonValue): void => {
  if (rule.codec && value !== 'auto') {
    applyNearest(draft, name, rule, value)
  } else if (!rule.values) {
    send(draft, rule.to, withinLimits(draft, name, rule, value))
  } else {
    const isList = Array.isArray(rule.values)
    const table: Readonly<Record<string, unknown>> = Array.isArray(rule.values)
      ? Object.fromEntries(rule.values.map((entry) => [entry, entry]))
      : rule.values
    const sent = Object.hasOwn(table, String(value)) ? table[String(value)] : undefined
    if (sent === undefined) refuse(draft, rule.otherwise, name, value)
    else send(draft, rule.to, isList ? value : (sent as JsonValue))
  }
}

/** Whether "auto" is a value of its own to this rule. Else it asks for nothing, and is left to the provider. */
const takesAuto = (rule: MappingRule): boolean => {
  if (!isToRule(rule)) return false
  if (rule.values === undefined) return rule.codec === undefined
  return Array.isArray(rule.values)
    ? rule.values.includes('auto')
    : Object.hasOwn(rule.values, 'auto')
}

/** OpenAI's parameters have values that say no more than their absence; of all others every value asks for something. */
const asksForSomething = (name: string, value: JsonValue): boolean =>
  STANDARD_PARAMETERS.get(name)?.asksForSomething(value) ?? true

const applyRule = (
  draft: MappingDraft,
  name: string,
  rule: MappingRule,
  value: JsonValue | undefined,
): void => {
  if ('const' in rule) {
    setPath(draft.input, rule.to, rule.const as JsonValue)
  } else if ('split' in rule || 'join' in rule || isSizeRule(rule)) {
    return
  } else if (value === undefined || (value === 'auto' && !takesAuto(rule))) {
    if (draft.isEdit && isToRule(rule)) sendFields(draft, rule.ofInput)
  } else if ('unsupported' in rule) {
    if (asksForSomething(name, value)) refuse(draft, rule.unsupported, name)
  } else if (!rule.to.endsWith('[]') && rule.maximum === undefined) {
    applyToRule(draft, name, rule, value)
  }
}

const fieldsOf = (rule: MappingRule): readonly string[] => {
  if (!('to' in rule)) return []
  if (!isToRule(rule)) return [rule.to]
  const { to, heightTo, besides = {}, ofInput = {} } = rule
  return [to, ...(heightTo ? [heightTo] : []), ...Object.keys(besides), ...Object.keys(ofInput)]
}

/** Fields of the provider that the mapping itself sets, so that a client cannot set them past it. */
const ownedFields = (mapping: ParameterMapping): Set<string> =>
  new Set(
    Object.values(mapping.rules).flatMap((rule) =>
      fieldsOf(rule).map((path) => path.replace('[]', '').split('.')[0] as string),
    ),
  )

const applyUndeclared = (draft: MappingDraft, name: string, value: JsonValue): void => {
  if (STANDARD_PARAMETERS.has(name)) {
    if (asksForSomething(name, value)) refuse(draft, 'warn', name)
    return
  }
  const { passThrough } = draft.mapping
  const isTaken = passThrough === 'any' || passThrough.includes(name)
  if (isTaken && !ownedFields(draft.mapping).has(name)) draft.input[name] = value
  else refuse(draft, 'warn', name)
}

/** Pixels of a ratio and tier: those of 1K, both sides scaled. 16:9 at 2K → 2752x1536. */
const pixelsOf = (
  mapping: ParameterMapping,
  ratio: string,
  tier: ResolutionTier,
): PixelSize | undefined => {
  const at1K = parsePixelSize(mapping.aspectRatioPixels[ratio] ?? '')
  const factor = TIER_SIDE_PIXELS[tier] / TIER_SIDE_PIXELS['1K']
  return (
    at1K && { width: Math.round(at1K.width * factor), height: Math.round(at1K.height * factor) }
  )
}

/** One warning per parameter whose choice is not exactly what was asked. */
const adjustmentWarnings = (
  draft: MappingDraft,
  parameters: Readonly<JsonObject>,
  tier: ResolutionTier,
): Warning[] => {
  const ratio = draft.chosen.get('aspect_ratio')
  const size = typeof parameters['size'] === 'string' ? parameters['size'] : undefined
  const isPixels = size !== undefined && parsePixelSize(size) !== undefined
  if (isPixels && ratio) {
    const pixels = pixelsOf(draft.mapping, ratio.given, tier)
    const given = pixels ? formatPixelSize(pixels) : `${ratio.given} at ${tier}`
    return given === size ? [] : [adjusted('size', size, given)]
  }
  return [...draft.chosen]
    .filter(([, choice]) => !choice.isExact)
    .map(([name, choice]) =>
      adjusted(choice.asked === size ? 'size' : name, choice.asked, choice.given),
    )
}

const pictureField = (rule: MappingRule | undefined): PictureField | undefined =>
  isToRule(rule) ? { field: rule.to.replace('[]', ''), isList: rule.to.endsWith('[]') } : undefined

/** Parameters that are pictures: they are placed by their fields, and never values of the input. */
const PICTURE_PARAMETERS = ['image', 'mask']

/** An offering may be one of several that share a model's requests among them. */
const checkServed = (draft: MappingDraft, parameters: Readonly<JsonObject>): void => {
  const { onlyFor } = draft.mapping
  if (!onlyFor || onlyFor.some((condition) => meets(condition, parameters))) return
  const names = [...new Set(onlyFor.flatMap(Object.keys))]
  const param = names.find((name) => (parameters[name] ?? null) !== null) ?? names[0] ?? 'model'
  const asked = names.map((name) => `${name} ${JSON.stringify(parameters[name]) ?? 'left out'}`)
  draft.excludedBy ??= { param, reason: `does not serve ${asked.join(' and ')}` }
}

const applyRules = (draft: MappingDraft, parameters: Readonly<JsonObject>): void => {
  const { rules } = draft.mapping
  checkServed(draft, parameters)
  const split = splitParameters(draft.mapping, parameters)
  for (const [name, rule] of Object.entries(rules)) {
    if (!PICTURE_PARAMETERS.includes(name)) applyRule(draft, name, rule, split.parameters[name])
  }
  if (isSizeRule(rules['size'])) applySizeRule(draft, rules['size'], parameters)
  for (const [name, value] of Object.entries(parameters)) {
    // A constant is the mapping's own affair: a client's parameter of that name is declared by nobody.
    const isDeclared = Object.hasOwn(rules, name) && !('const' in (rules[name] as MappingRule))
    if (!isDeclared && value !== null) applyUndeclared(draft, name, value)
  }
  for (const name of split.unread) refuse(draft, 'warn', name, parameters[name])
  const overruled = [...split.overruled, ...overruledInField(draft.mapping, split.parameters)]
  for (const { name, by } of overruled) {
    const message = `${name} ${JSON.stringify(parameters[name])} gives way to ${by} ${JSON.stringify(parameters[by])}.`
    draft.warnings.push({ type: 'adjusted', param: name, message })
  }
}

/** Tier of what is made; a provider's own tier, such as 3K, counts as the nearest. */
const tierOfDraft = ({ chosen, mapping, pixels }: MappingDraft): ResolutionTier => {
  if (pixels) return tierOf(pixels)
  const given = chosen.get('resolution')?.given ?? mapping.defaultResolution
  const known = RESOLUTION_TIERS.find((tier) => tier === given)
  const side = Number.parseFloat(given) * TIER_SIDE_PIXELS['1K']
  return known ?? tierOf({ width: side, height: side })
}

const ratioOfDraft = ({ chosen, mapping }: MappingDraft): string =>
  chosen.get('aspect_ratio')?.given ?? mapping.defaultRatio ?? '1:1'

/**
 * What an offering is sent for these parameters. Pure, and total: every parameter ends in the input, in a warning, in
 * an exclusion, or is the gateway's own work. Never throws on parameters that the compiled schema accepts. A mask that
 * an offering cannot take excludes it: a picture changed everywhere is not what was asked for.
 */
export const mapParameters = (
  mapping: ParameterMapping,
  parameters: Readonly<JsonObject>,
  { isEdit = false, hasMask = false, inputSize }: MappedPictures = {},
): MappedParameters => {
  const draft: MappingDraft = {
    mapping,
    isEdit,
    inputSize,
    input: {},
    warnings: [],
    chosen: new Map(),
  }
  applyRules(draft, parameters)
  const imageField = pictureField(mapping.rules['image'])
  const maskField = pictureField(mapping.rules['mask'])
  if (hasMask && !maskField) refuse(draft, 'exclude', 'mask')
  const tier = tierOfDraft(draft)
  const pixels = draft.pixels ?? pixelsOf(mapping, ratioOfDraft(draft), tier)
  const count = mapping.rules['n']
  const countRule = isToRule(count) ? count : undefined
  return {
    input: draft.input,
    ...(imageField && { imageField }),
    ...(maskField && { maskField }),
    ...(countRule && { countField: countRule.to }),
    imagesPerCall: countRule?.maximum ?? 1,
    resolution: tier,
    ...(pixels && { pixels }),
    warnings: [...draft.warnings, ...adjustmentWarnings(draft, parameters, tier)],
    ...(draft.excludedBy && { excludedBy: draft.excludedBy }),
  }
}

/** The canonical parameter behind a provider's field (`image_urls` → `image`); the field itself when there is none. */
export const canonicalName = (mapping: ParameterMapping, providerField: string): string => {
  const isMeant = ([, rule]: readonly [string, MappingRule]) =>
    isToRule(rule) &&
    [rule.to, rule.to.split('.').at(-1)].includes(providerField.replace(/\[\]$/, ''))
  const withList = ([, rule]: readonly [string, MappingRule]) =>
    isToRule(rule) && rule.to === `${providerField}[]`
  const entries = Object.entries(mapping.rules)
  return (entries.find(isMeant) ?? entries.find(withList))?.[0] ?? providerField
}
