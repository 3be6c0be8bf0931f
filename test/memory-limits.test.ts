import { describe, expect, it } from 'vitest'
import { chooseMemoryLimits } from '#src/memory-limits.ts'

const MB = 1_000_000
const GB = 1_000 * MB
/** What a gateway takes besides: itself, and the largest picture that it converts, or several smaller ones. */
const FIXED_BYTES = 300 * MB + 480 * MB

const choose = (totalBytes: number, constrainedBytes: number, wishes = {}) =>
  chooseMemoryLimits(wishes, { totalBytes, constrainedBytes })

describe('chooseMemoryLimits', () => {
  it('divides the memory of the container between what is held and who waits', () => {
    const usable = 2 * GB - FIXED_BYTES
    expect(choose(64 * GB, 2 * GB)).toEqual({
      bytesInFlight: Math.floor((usable * 0.8) / 1.5),
      requestsInFlight: Math.floor((usable * 0.2) / 150_000),
    })
  })

  it.each([
    ['none', 0],
    ['more than there is', 2 ** 64],
  ])('takes half of a machine that nobody has divided: %s', (_what, constrained) => {
    expect(choose(4 * GB, constrained)).toEqual(choose(64 * GB, 2 * GB))
  })

  it('lets some in, however small the container, and no more than a process can serve', () => {
    expect(choose(64 * GB, 256 * MB)).toEqual({ bytesInFlight: 64 * MB, requestsInFlight: 100 })
    expect(choose(1_000 * GB, 0).requestsInFlight).toBe(10_000)
  })

  it('does as it is told', () => {
    const wishes = { maxMegabytesInFlight: 7, maxRequestsInFlight: 3 }
    expect(choose(64 * GB, 2 * GB, wishes)).toEqual({ bytesInFlight: 7 * MB, requestsInFlight: 3 })
  })
})
