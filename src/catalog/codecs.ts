import type { CodecName } from '#src/domain/mapping-rules.ts'
import {
  nearestByLogRatio,
  parseAspectRatio,
  parsePixelSize,
  TIER_SIDE_PIXELS,
} from '#src/domain/media.ts'

/**
 * How a value is compared with the values that an offering has. `read` gives the magnitude of what was asked, or
 * `undefined` when the value says nothing about this dimension (a ratio says nothing about scale).
 */
interface Codec {
  read(value: string): number | undefined
}

/** Conversions of one value; `nearest_size` and `free_size` read three (`joined-size.ts`). */
type ValueCodec = Extract<CodecName, 'nearest_ratio' | 'nearest_tier'>

const isValueCodec = (codec: CodecName | undefined): codec is ValueCodec =>
  codec === 'nearest_ratio' || codec === 'nearest_tier'

/** `2K` → 2048, also for tiers that only a provider has, such as `3K`. */
const sideOfTier = (tier: string): number | undefined =>
  /^\d{1,2}(\.\d)?K$/.test(tier) ? Number.parseFloat(tier) * TIER_SIDE_PIXELS['1K'] : undefined

/**
 * - `nearest_ratio`: width ÷ height, from `W:H` or `WxH`; 1792x1024 is 1.75, nearest to 16:9
 * - `nearest_tier`: side in pixels of a square of the same area, from a tier or `WxH`; 1792x1024 is 1355, nearest to 1K
 */
const CODECS: Readonly<Record<ValueCodec, Codec>> = {
  nearest_ratio: {
    read: (value) => {
      const size = parsePixelSize(value)
      return size ? size.width / size.height : parseAspectRatio(value)
    },
  },
  nearest_tier: {
    read: (value) => {
      const size = parsePixelSize(value)
      return size ? Math.sqrt(size.width * size.height) : sideOfTier(value)
    },
  },
}

/** Whether a value says anything to this codec. */
export const isReadBy = (codec: CodecName, value: string): boolean =>
  isValueCodec(codec) && CODECS[codec].read(value) !== undefined

/** The nearest of `options` (canonical values), and whether it is exactly what was asked. */
export const chooseNearest = (
  codec: CodecName | undefined,
  asked: string,
  options: readonly string[],
): { readonly chosen: string; readonly isExact: boolean } | undefined => {
  if (!isValueCodec(codec)) return undefined
  const wanted = CODECS[codec].read(asked)
  const readable = options.flatMap((option) => {
    const number = CODECS[codec].read(option)
    return number === undefined ? [] : [{ option, number }]
  })
  if (wanted === undefined) return undefined
  const best = nearestByLogRatio(wanted, readable, ({ number }) => number)
  return best && { chosen: best.option, isExact: Math.abs(Math.log(best.number / wanted)) < 1e-9 }
}
