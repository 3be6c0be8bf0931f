import type { SizeBounds } from '#src/domain/mapping-rules.ts'
import {
  nearestByLogRatio,
  type PixelSize,
  parsePixelSize,
  RESOLUTION_TIERS,
  type ResolutionTier,
  TIER_SIDE_PIXELS,
} from '#src/domain/media.ts'

/** What a request says of its pixels, in the terms of an offering that wants width and height. */
export interface WishedSize {
  /** Width ÷ height. */
  readonly ratio: number
  /** Width × height. */
  readonly pixels: number
}

/** How far, as a logarithm, two ratios may be apart and still count as the same: sizes are whole multiples. */
const SAME_RATIO = 0.03

const ratioOf = ({ width, height }: PixelSize): number => width / height

export const wishOfSize = (size: PixelSize): WishedSize => ({
  ratio: ratioOf(size),
  pixels: size.width * size.height,
})

/** 16:9 at 1K: 1365.3 × 768, a megapixel of that shape. */
export const wishOfShape = (ratio: number, tier: ResolutionTier): WishedSize => ({
  ratio,
  pixels: TIER_SIDE_PIXELS[tier] ** 2,
})

export const isSameShape = (left: number, right: number): boolean =>
  Math.abs(Math.log(left / right)) <= SAME_RATIO

/** The tier that a picture of this size counts as. */
export const tierOf = ({ width, height }: PixelSize): ResolutionTier =>
  nearestByLogRatio(
    Math.sqrt(width * height),
    RESOLUTION_TIERS,
    (tier) => TIER_SIDE_PIXELS[tier],
  ) as ResolutionTier

/** Of a list: the nearest shape, and among sizes of that shape the nearest area. `undefined`: no size in the list. */
export const nearestSize = (wish: WishedSize, options: readonly string[]): string | undefined => {
  const sizes = options.flatMap((option) => {
    const size = parsePixelSize(option)
    return size ? [{ option, size }] : []
  })
  const shape = nearestByLogRatio(wish.ratio, sizes, ({ size }) => ratioOf(size))
  if (!shape) return undefined
  const alike = sizes.filter(({ size }) => isSameShape(ratioOf(size), ratioOf(shape.size)))
  const area = ({ size }: { size: PixelSize }) => size.width * size.height
  return nearestByLogRatio(wish.pixels, alike, area)?.option
}

const clamp = (value: number, least: number, most: number): number =>
  Math.min(Math.max(value, least), most)

/** Bounds with nothing left out. */
const wholeBounds = (bounds: SizeBounds): Required<SizeBounds> => ({
  minSide: 1,
  maxSide: Number.POSITIVE_INFINITY,
  minPixels: 1,
  maxPixels: Number.POSITIVE_INFINITY,
  maxRatio: Number.POSITIVE_INFINITY,
  multipleOf: 1,
  ...bounds,
})

/** The longest shape of which the bounds allow a size: a long one cannot have many pixels where sides are limited. */
const longestShape = (bounds: Required<SizeBounds>): number => {
  const { minSide, maxSide, minPixels, maxPixels, maxRatio } = bounds
  return Math.max(
    1,
    Math.min(maxRatio, maxSide / minSide, maxSide ** 2 / minPixels, maxPixels / minSide ** 2),
  )
}

const isWithin = ({ width, height }: PixelSize, bounds: Required<SizeBounds>): boolean => {
  const [shorter, longer] = width < height ? [width, height] : [height, width]
  const pixels = width * height
  return (
    shorter >= bounds.minSide &&
    longer <= bounds.maxSide &&
    pixels >= bounds.minPixels &&
    pixels <= bounds.maxPixels &&
    longer / shorter <= bounds.maxRatio
  )
}

/** Whole multiples around a side that lead nearest to it, and beyond a border that rounding has crossed. */
const ROUNDING_STEPS = [0, 1, -1, 2, -2]

const roundings = (side: number, { multipleOf }: Required<SizeBounds>): number[] =>
  ROUNDING_STEPS.map((step) => (Math.round(side / multipleOf) + step) * multipleOf)

const distanceFrom = (wish: WishedSize, size: PixelSize): number =>
  Math.abs(Math.log(ratioOf(size) / wish.ratio)) +
  Math.abs(Math.log((size.width * size.height) / wish.pixels))

/**
 * The size nearest to a wish that bounds allow: its shape is kept as far as they allow it, its scale gives way.
 * 4096x4096 within sides of 2048 is 2048x2048; 16:9 at 1K in multiples of 16 is 1360x768.
 */
export const fitSize = (wish: WishedSize, given: SizeBounds): PixelSize => {
  const bounds = wholeBounds(given)
  const { minSide, maxSide, minPixels, maxPixels } = bounds
  const longest = longestShape(bounds)
  const ratio = clamp(wish.ratio, 1 / longest, longest)
  const elongation = Math.max(ratio, 1 / ratio)
  const pixels = clamp(
    wish.pixels,
    Math.max(minPixels, minSide ** 2 * elongation),
    Math.min(maxPixels, maxSide ** 2 / elongation),
  )
  const width = Math.sqrt(pixels * ratio)
  const sizes = roundings(width, bounds).flatMap((wide) =>
    roundings(width / ratio, bounds).map((high): PixelSize => ({ width: wide, height: high })),
  )
  const [nearest = { width: Math.round(width), height: Math.round(width / ratio) }] = sizes
    .filter((size) => isWithin(size, bounds))
    .sort(
      (left, right) =>
        distanceFrom({ ratio, pixels }, left) - distanceFrom({ ratio, pixels }, right),
    )
  return nearest
}

/** Whether a picture is of the size wished, as far as whole sides allow: shape and tier. */
export const isAsWished = (
  given: PixelSize,
  wish: WishedSize,
): { readonly shape: boolean; readonly scale: boolean } => {
  const side = Math.sqrt(wish.pixels)
  return {
    shape: isSameShape(ratioOf(given), wish.ratio),
    scale: tierOf(given) === tierOf({ width: side, height: side }),
  }
}
