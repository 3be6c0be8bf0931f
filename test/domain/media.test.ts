import { describe, expect, it } from 'vitest'
import { nearestByLogRatio, parseAspectRatio, parsePixelSize } from '#src/domain/media.ts'

describe('sizes and ratios', () => {
  it('reads pixels and ratios, and nothing else', () => {
    expect(parsePixelSize('1024x768')).toEqual({ width: 1024, height: 768 })
    expect(parsePixelSize('0x768')).toBeUndefined()
    expect(parsePixelSize('16:9')).toBeUndefined()
    expect(parseAspectRatio('16:9')).toBeCloseTo(16 / 9)
    expect(parseAspectRatio('16:0')).toBeUndefined()
    expect(parseAspectRatio('1e3:1')).toBeUndefined()
  })

  it('takes the nearest in log-ratio, the first of equals', () => {
    const identity = (value: number) => value
    expect(nearestByLogRatio(1, [0.5, 2], identity)).toBe(0.5)
    expect(nearestByLogRatio(3, [1, 4], identity)).toBe(4)
    expect(nearestByLogRatio(1, [], identity)).toBeUndefined()
  })
})
