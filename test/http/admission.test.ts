import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createByteBudget } from '#src/bytes/byte-budget.ts'
import { GatewayError } from '#src/domain/errors.ts'
import { createAdmissions, type RefusalReason } from '#src/http/admission.ts'

const MB = 1_000_000

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A gateway that takes 100 MB and three requests: new ones get half of the bytes. */
const setUp = () => {
  const budget = createByteBudget({ limitBytes: 100 * MB })
  const refused: RefusalReason[] = []
  const onRefused = (reason: RefusalReason): void => void refused.push(reason)
  const admissions = createAdmissions({ budget, maxRequests: 3, onRefused, declaredHeldMs: 5_000 })
  const held = () => budget.figures().heldBytes / MB
  return { ...admissions, budget, refused, held }
}

const refusalOf = (work: () => unknown): GatewayError => {
  try {
    work()
  } catch (error) {
    if (error instanceof GatewayError) return error
  }
  throw new Error('Was not refused')
}

describe('createAdmissions', () => {
  it('turns away what comes when as many are under way as may be, until one has ended', () => {
    const { admit, underWay, refused } = setUp()
    const [first] = [admit(10), admit(10), admit(undefined)]
    const refusal = refusalOf(() => admit(10))
    expect([refusal.code, refusal.status]).toEqual(['OVERLOADED', 503])
    expect(refusal.options.retryAfterMs).toBeGreaterThanOrEqual(2_000)
    expect(refusal.options.retryAfterMs).toBeLessThanOrEqual(5_000)
    expect([refused, underWay()]).toEqual([['requests'], 3])
    first.leave()
    first.leave()
    expect(underWay()).toBe(2)
    admit(10)
  })

  it('keeps room for a body that is declared, and turns away one for which there is none', () => {
    const { admit, held, refused, underWay } = setUp()
    const { leave } = admit(30 * MB)
    expect(refusalOf(() => admit(21 * MB)).code).toBe('OVERLOADED')
    expect([held(), underWay(), refused]).toEqual([30, 1, ['memory']])
    leave()
    admit(21 * MB)
  })

  it('holds of a slow body what has come, once its time is up', () => {
    const { admit, held } = setUp()
    const { admission } = admit(50 * MB)
    admission.receive(2 * MB)
    vi.advanceTimersByTime(4_999)
    expect(held()).toBe(50)
    vi.advanceTimersByTime(1)
    expect(held()).toBe(2)
    admission.receive(3 * MB)
    expect(held()).toBe(5)
    admission.settle(4 * MB)
    expect(held()).toBe(4)
  })

  it('counts a body of which nobody knows the length as it comes, and ends it when no memory is left', () => {
    const { admit, held, refused } = setUp()
    admit(40 * MB)
    const { admission, leave } = admit(undefined)
    admission.receive(10 * MB)
    expect(held()).toBe(50)
    expect(refusalOf(() => admission.receive(1)).code).toBe('OVERLOADED')
    expect([held(), refused]).toEqual([50, ['body']])
    leave()
    expect(held()).toBe(40)
  })

  it('holds what a body turned out to hold, also when that is more than it declared', () => {
    const { admit, held } = setUp()
    const { admission } = admit(10 * MB)
    admission.settle(60 * MB)
    vi.advanceTimersByTime(5_000)
    expect(held()).toBe(60)
  })

  it('counts a request until its connection and all who work on it have left, and frees then all it holds', () => {
    const { admit, held, underWay } = setUp()
    const { admission, leave } = admit(20 * MB)
    const [first, second] = [admission.outlive(), admission.outlive()]
    admission.memory.hold(5 * MB)
    leave()
    first()
    first()
    expect([held(), underWay()]).toEqual([25, 1])
    second()
    expect([held(), underWay()]).toEqual([0, 0])
    vi.advanceTimersByTime(5_000)
    expect(held()).toBe(0)
  })

  it('counts a request once that is worked on again after it had ended', () => {
    const { admit, underWay } = setUp()
    const { admission, leave } = admit(10)
    leave()
    const end = admission.outlive()
    expect(underWay()).toBe(1)
    end()
    end()
    expect(underWay()).toBe(0)
  })
})
