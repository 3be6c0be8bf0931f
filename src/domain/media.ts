/** Image formats that a client may ask for (`output_format`). */
export const OUTPUT_FORMATS = ['png', 'jpeg', 'gif', 'webp', 'avif'] as const
export type OutputFormat = (typeof OUTPUT_FORMATS)[number]

/** Image formats that a client may send in an edit; decided by the bytes, never by a declared type. */
export const INPUT_FORMATS = ['png', 'jpeg', 'webp', 'gif'] as const
export type InputFormat = (typeof INPUT_FORMATS)[number]

/** `png` → `image/png`. */
export const mediaTypeOf = (format: OutputFormat): string => `image/${format}`

/** Scale of a picture, as the product names it: `1K` is about one megapixel. */
export const RESOLUTION_TIERS = ['0.5K', '1K', '2K', '4K'] as const
export type ResolutionTier = (typeof RESOLUTION_TIERS)[number]

/** Nominal side in pixels of a square picture of each tier. */
export const TIER_SIDE_PIXELS: Readonly<Record<ResolutionTier, number>> = {
  '0.5K': 512,
  '1K': 1024,
  '2K': 2048,
  '4K': 4096,
}

/** Width and height in pixels. */
export interface PixelSize {
  readonly width: number
  readonly height: number
}

/** `{width: 1024, height: 768}` → `1024x768`. */
export const formatPixelSize = (size: PixelSize): string => `${size.width}x${size.height}`

/** `1024x768` → pixels; `undefined` when it is not of that form or a side is 0. */
export const parsePixelSize = (text: string): PixelSize | undefined => {
  const match = /^([1-9]\d{0,4})x([1-9]\d{0,4})$/.exec(text)
  return match ? { width: Number(match[1]), height: Number(match[2]) } : undefined
}

/** `16:9` → 16/9, `2.39:1` → 2.39; `undefined` when it is not of that form or a side is below 1. */
export const parseAspectRatio = (text: string): number | undefined => {
  const match = /^(\d{1,9}(?:\.\d{1,7})?):(\d{1,9}(?:\.\d{1,7})?)$/.exec(text)
  const ratio = match ? Number(match[1]) / Number(match[2]) : 0
  return ratio > 0 && Number.isFinite(ratio) ? ratio : undefined
}

/**
 * The candidate nearest to `wanted` by |ln(candidate / wanted)|, so that 2:1 is as far from 1:1 as 1:2 is.
 * The first of equals wins.
 */
export const nearestByLogRatio = <T>(
  wanted: number,
  candidates: readonly T[],
  numberOf: (candidate: T) => number,
): T | undefined => {
  let best: T | undefined
  let bestDistance = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    const distance = Math.abs(Math.log(numberOf(candidate) / wanted))
    if (distance < bestDistance - 1e-9) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}
