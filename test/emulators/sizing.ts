import type { PictureSize } from './picture-sizes.ts'
import { MEGAPIXEL, nearestSize, type PixelTable, sizeOfArea } from './pixel-tables.ts'

/** An aspect ratio out of a list, perhaps with a tier. */
export interface RatioSizing {
  readonly by: 'ratio'
  /** Pixels of each ratio, by tier. */
  readonly tables: Readonly<Record<string, PixelTable>>
  /** The field that chooses the tier; absent: there is one tier only. */
  readonly tierField?: string
  /** Tier when none is given. */
  readonly tier: string
  /** Ratio when none is given; `auto` and `match_input_image` follow an input picture. */
  readonly ratio: string
  /** Which picture is followed. Absent: the first. */
  readonly follows?: 'first' | 'last'
  /**
   * Present: the picture's own proportions are kept, in multiples of `multipleOf` and up to `maxSide`. Absent: the
   * nearest ratio of the table is taken.
   */
  readonly keepsProportions?: { readonly multipleOf: number; readonly maxSide: number }
  /** A field with pixels such as `1024x1024`, and whether it counts more than a ratio. */
  readonly sizeField?: { readonly name: string; readonly outranksRatio: boolean }
  /** With an input picture the ratio is not looked at, as if it were `match_input_image`. */
  readonly ignoresRatioOfEdits?: boolean
  /**
   * What `width` and `height` are when the size is `custom`, `default` where a side is left out; absent: there are none.
   * Without a `default` both have to be given.
   */
  readonly custom?: { readonly multipleOf: number; readonly default?: number }
}

/** fal's `image_size`: a name or width and height. */
export interface NamedSizing {
  readonly by: 'image_size'
  readonly names: PixelTable
  /** Name or size when none is given; `auto` follows the first input picture. */
  readonly default: string | PictureSize
  /** What `auto` means without a picture. Absent: the first name. */
  readonly auto?: PictureSize
  /** `auto` chooses among the names instead of taking the picture's own size. */
  readonly isAutoOfNames?: boolean
  /** Sizes with fewer or more pixels are scaled until they fit, keeping their proportions. Absent: not scaled. */
  readonly scalesInto?: { readonly minPixels: number; readonly maxPixels: number }
}

/** Two fields with pixels. */
export interface PixelSizing {
  readonly by: 'width_height'
  /** Side that is left out. */
  readonly default: number
}

/** How a model finds the size of what it draws. */
export type Sizing = RatioSizing | NamedSizing | PixelSizing

type Input = Readonly<Record<string, unknown>>

const parsePixels = (text: unknown): PictureSize | undefined => {
  const match = /^(\d+)x(\d+)$/.exec(typeof text === 'string' ? text : '')
  return match ? { width: Number(match[1]), height: Number(match[2]) } : undefined
}

const UNIT: PictureSize = { width: 1_024, height: 1_024 }

/** Megapixels that a picture is clamped to when a model takes over its resolution. */
const MATCHED_MEGAPIXELS = { min: 0.5, max: 4 }

const matchPicture = (
  picture: PictureSize,
  tier: string,
  table: PixelTable,
  sizing: RatioSizing,
): PictureSize => {
  if (!sizing.keepsProportions) return nearestSize(table, picture)
  const square = table['1:1'] ?? UNIT
  const own = (picture.width * picture.height) / MEGAPIXEL
  const { min, max } = MATCHED_MEGAPIXELS
  const pixels =
    tier === 'match_input_image'
      ? Math.min(max, Math.max(min, own)) * MEGAPIXEL
      : square.width * square.height
  return sizeOfArea(picture.width / picture.height, pixels, sizing.keepsProportions)
}

const isCustom = ({ custom, ratio, tier, tierField }: RatioSizing, input: Input): boolean =>
  custom !== undefined &&
  [input.aspect_ratio ?? ratio, (tierField && input[tierField]) ?? tier].includes('custom')

/** The side that a custom size cannot do without; absent: it has all that it needs, or there is none. */
export const missingSide = (sizing: Sizing, input: Input): 'width' | 'height' | undefined => {
  if (sizing.by !== 'ratio' || !isCustom(sizing, input)) return undefined
  if (sizing.custom?.default !== undefined) return undefined
  return (['width', 'height'] as const).find((side) => typeof input[side] !== 'number')
}

const customSize = (
  input: Input,
  { multipleOf, default: side = Number.NaN }: NonNullable<RatioSizing['custom']>,
) => {
  const read = (value: unknown): number =>
    Math.round((typeof value === 'number' ? value : side) / multipleOf) * multipleOf
  return { width: read(input.width), height: read(input.height) }
}

const sizeByRatio = (
  sizing: RatioSizing,
  input: Input,
  pictures: readonly PictureSize[],
): PictureSize => {
  const ratio = String(input.aspect_ratio ?? sizing.ratio)
  const tier = String((sizing.tierField && input[sizing.tierField]) ?? sizing.tier)
  if (sizing.custom && isCustom(sizing, input)) return customSize(input, sizing.custom)
  const explicit = parsePixels(sizing.sizeField && input[sizing.sizeField.name])
  if (explicit && sizing.sizeField?.outranksRatio) return explicit
  const table = sizing.tables[tier] ?? sizing.tables[sizing.tier] ?? {}
  const picture = sizing.follows === 'last' ? pictures.at(-1) : pictures[0]
  const named = parsePixels(ratio) ?? table[ratio] ?? explicit
  if (named && !(picture && sizing.ignoresRatioOfEdits)) return named
  return picture ? matchPicture(picture, tier, table, sizing) : (table['1:1'] ?? UNIT)
}

const scaleInto = (size: PictureSize, limits: NamedSizing['scalesInto']): PictureSize => {
  if (!limits) return size
  const pixels = size.width * size.height
  if (pixels >= limits.minPixels && pixels <= limits.maxPixels) return size
  const wanted = pixels < limits.minPixels ? limits.minPixels : limits.maxPixels
  const factor = Math.sqrt(wanted / pixels)
  const round = pixels < limits.minPixels ? Math.ceil : Math.floor
  return { width: round(size.width * factor), height: round(size.height * factor) }
}

const sizeByName = (
  sizing: NamedSizing,
  name: string,
  picture: PictureSize | undefined,
): PictureSize => {
  const named = sizing.names[name] ?? parsePixels(name)
  if (!name.startsWith('auto')) return named ?? UNIT
  const free = named ?? sizing.auto ?? Object.values(sizing.names)[0] ?? UNIT
  if (!picture) return free
  if (sizing.isAutoOfNames) return nearestSize(sizing.names, picture)
  // A tier such as auto_2K keeps the picture's proportions; a plain auto keeps its size.
  return named ? sizeOfArea(picture.width / picture.height, named.width * named.height) : picture
}

const sizeByImageSize = (
  sizing: NamedSizing,
  input: Input,
  pictures: readonly PictureSize[],
): PictureSize => {
  const wanted = input.image_size ?? sizing.default
  if (typeof wanted === 'string') {
    return scaleInto(sizeByName(sizing, wanted, pictures[0]), sizing.scalesInto)
  }
  const { width = 512, height = 512 } = wanted as Partial<PictureSize>
  return scaleInto({ width, height }, sizing.scalesInto)
}

/** The size of what a model draws for an input that keeps its schema. */
export const sizeOf = (
  sizing: Sizing,
  input: Input,
  pictures: readonly PictureSize[],
): PictureSize => {
  switch (sizing.by) {
    case 'ratio':
      return sizeByRatio(sizing, input, pictures)
    case 'image_size':
      return sizeByImageSize(sizing, input, pictures)
    case 'width_height': {
      const { width = sizing.default, height = sizing.default } = input
      return { width: Number(width), height: Number(height) }
    }
  }
}
