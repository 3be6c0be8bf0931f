import {
  nearestByLogRatio,
  parseAspectRatio,
  parsePixelSize,
  TIER_SIDE_PIXELS,
} from '#src/domain/media.ts'
import type { CodecName } from '#src/domain/model-card.ts'

/**
 * How a value is compared with the values that an offering has. `read` gives the magnitude of what was asked, or
 * `undefined` when the value says nothing about this dimension (a ratio says nothing about scale).
 */
interface Codec {
  read(value: string): number | undefined
}

const TIER_SIDES: ReadonlyMap<string, number> = new Map(Object.entries(TIER_SIDE_PIXELS))

/**
 * - `nearest_ratio`: width ÷ height, from `W:H` or `WxH`; 1792x1024 is 1.75, nearest to 16:9
 * - `nearest_tier`: side in pixels of a square of the same area, from a tier or `WxH`; 1792x1024 is 1355, nearest to 1K
 */
const CODECS: Readonly<Record<CodecName, Codec>> = {
  nearest_ratio: {
    read: (value) => {
      const size = parsePixelSize(value)
      return size ? size.width / size.height : parseAspectRatio(value)
    },
  },
  nearest_tier: {
    read: (value) => {
      const size = parsePixelSize(value)
      return size ? Math.sqrt(size.width * size.height) : TIER_SIDES.get(value)
    },
  },
}

/** Whether a value says anything to this codec. */
export const isReadBy = (codec: CodecName, value: string): boolean =>
  CODECS[codec].read(value) !== undefined

/** The nearest of `options` (canonical values), and whether it is exactly what was asked. */
export const chooseNearest = (
  codec: CodecName,
  asked: string,
  options: readonly string[],
): { readonly chosen: string; readonly isExact: boolean } | undefined => {
  const wanted = CODECS[codec].read(asked)
  const readable = options.flatMap((option) => {
    const number = CODECS[codec].read(option)
    return number === undefined ? [] : [{ option, number }]
  })
  if (wanted === undefined) return undefined
  const best = nearestByLogRatio(wanted, readable, ({ number }) => number)
  return best && { chosen: best.option, isExact: Math.abs(Math.log(best.number / wanted)) < 1e-9 }
}
