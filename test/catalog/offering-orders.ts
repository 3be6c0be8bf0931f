import type { JsonObject, JsonValue } from '#src/domain/json.ts'
import type { MappingRule } from '#src/domain/mapping-rules.ts'
import type { CardParameter, Mode } from '#src/domain/model-card.ts'
import type { ModelFile } from '#src/domain/model-file.ts'
import type { Offering } from '#src/domain/offering.ts'

/** One request of an offering. */
export interface Order {
  /** What is special about it, for messages. */
  readonly what: string
  readonly parameters: JsonObject
  /** Input images. */
  readonly images: number
  readonly hasMask: boolean
}

/** Ratios that people ask for, of offerings that make any. */
const USUAL_RATIOS = [
  '1:1',
  '2:3',
  '3:2',
  '3:4',
  '4:3',
  '4:5',
  '5:4',
  '9:16',
  '16:9',
  '9:21',
  '21:9',
  '1:2',
  '2:1',
  '1:4',
  '4:1',
  '8:1',
]

const EVERY_TIER = ['0.5K', '1K', '2K', '4K']

/** OpenAI's, small and large ones, and shapes that nobody makes. */
const SIZES = [
  '256x256',
  '512x512',
  '1024x1024',
  '1536x1024',
  '1024x1536',
  '1792x1024',
  '1920x1080',
  '2048x2048',
  '3840x2160',
  '4096x4096',
  '64x64',
  '3000x500',
  '1000x777',
  '99999x1',
  '1x99999',
]

/** Ratios that no list has. */
const ODD_RATIOS = ['7:5', '2.39:1', '1:20', '99:1']

const valuesOf = (rule: MappingRule | undefined): readonly string[] | undefined => {
  if (!rule || !('values' in rule) || rule.values === undefined) return undefined
  return Array.isArray(rule.values) ? rule.values : Object.keys(rule.values)
}

/** Ratios that are asked for at every tier of an offering that makes any size. */
const FEW_RATIOS = ['1:1', '16:9', '9:16']

/** Sizes that edits are asked for. */
const FEW_SIZES = ['1024x1024', '1792x1024', '99999x1', '1x99999']

/**
 * Every ratio and every tier of the offering, or the usual ones of one that makes any size. From text every ratio at
 * every tier, as pixels have to be right at each; edits have the same rules.
 */
const shapes = (rules: Readonly<Record<string, MappingRule>>, mode: Mode): JsonObject[] => {
  const tiers = valuesOf(rules['resolution'])?.filter((tier) => EVERY_TIER.includes(tier))
  const ratios = valuesOf(rules['aspect_ratio'])
  const isText = mode === 'text_to_image'
  return [
    ...(isText ? (ratios ?? FEW_RATIOS) : []).flatMap((aspect_ratio) =>
      (tiers ?? EVERY_TIER).map((resolution) => ({ aspect_ratio, resolution })),
    ),
    ...EVERY_TIER.map((resolution) => ({ resolution })),
    ...[...ODD_RATIOS, ...(ratios ?? USUAL_RATIOS)].map((aspect_ratio) => ({ aspect_ratio })),
    ...[...(isText ? SIZES : FEW_SIZES), '16:9', 'auto'].map((size) => ({ size })),
    { aspect_ratio: 'auto', resolution: 'auto' },
  ]
}

const SHAPE = ['size', 'aspect_ratio', 'resolution']

/** Every value of a list, both of a switch, and the ends of a range. */
const valuesToTry = ({
  type,
  enum: list,
  minimum,
  maximum,
  maxLength,
}: CardParameter): JsonValue[] => {
  if (list) return [...list]
  if (type === 'boolean') return [true, false]
  if (type === 'string') return ['x'.repeat(maxLength ?? 40)]
  if (type === 'file') return []
  return [minimum ?? 0, maximum ?? 100]
}

/** What the gateway does itself, and so sends nothing of. */
const isEmulated = (rule: MappingRule | undefined): boolean =>
  rule !== undefined && 'unsupported' in rule && rule.unsupported === 'emulate'

const parameterOrders = (
  { card }: ModelFile,
  rules: Readonly<Record<string, MappingRule>>,
  mode: Mode,
): JsonObject[] =>
  Object.entries(card.parameters)
    .filter(([name, { modes }]) => modes.includes(mode) && !SHAPE.includes(name) && name !== 'n')
    .filter(([name]) => !isEmulated(rules[name]))
    .flatMap(([name, parameter]) => valuesToTry(parameter).map((value) => ({ [name]: value })))

/** What one offering is asked in one mode: everything that its model's card has, and every shape that it makes. */
export const ordersFor = (file: ModelFile, offering: Offering, mode: Mode): Order[] => {
  const { rules = {}, onlyFor: [served = {}] = [] } = file.mappings[offering.mapping] ?? {}
  const isEdit = mode === 'image_edit'
  const images = isEdit ? 1 : 0
  const most = offering.limits.maxInputImages
  const perCall = 'maximum' in (rules['n'] ?? {}) ? (rules['n'] as { maximum: number }).maximum : 1
  const usual = [
    {},
    ...shapes(rules, mode),
    ...parameterOrders(file, rules, mode),
    ...[...new Set([1, perCall])].map((n) => ({ n })),
  ].map((part): Order => {
    const parameters = { ...(served as JsonObject), prompt: 'a lighthouse', ...part }
    const what = JSON.stringify(part).slice(0, 80)
    return { what, parameters, images, hasMask: false }
  })
  const parameters = { ...(served as JsonObject), prompt: 'a lighthouse' }
  const hasMask = isEdit && Object.hasOwn(file.card.parameters, 'mask')
  return [
    ...usual,
    ...(isEdit ? [{ what: `${most} images`, parameters, images: most, hasMask: false }] : []),
    ...(hasMask ? [{ what: 'a mask', parameters, images: 1, hasMask }] : []),
  ]
}
