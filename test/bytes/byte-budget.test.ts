import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createByteBudget } from '#src/bytes/byte-budget.ts'
import type { Reservation } from '#src/domain/byte-account.ts'

const LIMIT = 100
const never = new AbortController().signal

const budgetOf = (limitBytes = LIMIT) => createByteBudget({ limitBytes })

/** What a promise has come to by now. */
const peek = async <T>(promise: Promise<T>): Promise<T | 'waits'> => {
  await setImmediate()
  return Promise.race([promise, Promise.resolve('waits' as const)])
}

const take = (reservation: Reservation | undefined): Reservation => {
  expect(reservation).toBeDefined()
  return reservation as Reservation
}

describe('createByteBudget', () => {
  it('begins new work up to half of its limit and refuses what goes beyond', () => {
    const budget = budgetOf()
    const first = take(budget.tryReserve(30))
    take(budget.tryReserve(20))
    expect(budget.tryReserve(1)).toBeUndefined()
    first.shrink(1)
    take(budget.tryReserve(1))
    expect(budget.figures()).toEqual({
      limitBytes: 100,
      heldBytes: 50,
      waitingBytes: 0,
      waiting: 0,
    })
  })

  it('lets answers in up to the whole limit, then has them wait in order', async () => {
    const budget = budgetOf()
    const first = await budget.reserve(60, never)
    const second = await budget.reserve(40, never)
    const third = budget.reserve(50, never)
    const fourth = budget.reserve(1, never)
    expect(await peek(third)).toBe('waits')
    second.release()
    expect([await peek(third), await peek(fourth)]).toEqual(['waits', 'waits'])
    expect(budget.figures()).toEqual({
      limitBytes: 100,
      heldBytes: 60,
      waitingBytes: 51,
      waiting: 2,
    })
    first.release()
    expect([(await third).bytes, (await fourth).bytes]).toEqual([50, 1])
  })

  it('begins no new work while an answer waits, however small', async () => {
    const budget = budgetOf()
    const held = await budget.reserve(20, never)
    const large = budget.reserve(90, never)
    expect(budget.tryReserve(0)).toBeUndefined()
    held.release()
    ;(await large).release()
    expect(budget.tryReserve(0)).toBeDefined()
  })

  it('lets in what is larger than the whole limit once nothing else is held', async () => {
    const budget = budgetOf()
    const held = take(budget.tryReserve(1))
    expect(budget.tryReserve(300)).toBeUndefined()
    const answer = budget.reserve(300, never)
    expect(await peek(answer)).toBe('waits')
    held.release()
    ;(await answer).release()
    expect(take(budget.tryReserve(300)).bytes).toBe(300)
  })

  it('never holds up what has begun', () => {
    const budget = budgetOf()
    const upload = take(budget.tryReserve(0))
    upload.grow(500)
    expect(budget.figures().heldBytes).toBe(500)
    upload.shrink(1_000)
    expect([upload.bytes, budget.figures().heldBytes]).toEqual([0, 0])
  })

  it('counts what is there already, whatever others hold', async () => {
    const budget = budgetOf()
    await budget.reserve(90, never)
    const account = budget.openAccount()
    account.hold(30)
    expect([account.heldBytes, budget.figures().heldBytes]).toEqual([30, 120])
  })

  it('lets a measured body grow no further when others hold half of the limit', () => {
    const budget = budgetOf()
    const [first, second] = [take(budget.tryReserve(25)), take(budget.tryReserve(0))]
    expect([second.tryGrow(25), second.tryGrow(1), second.bytes]).toEqual([true, false, 25])
    first.release()
    expect(second.tryGrow(1)).toBe(true)
  })

  it('counts a reservation off once, and nothing that is done to it afterwards', () => {
    const budget = budgetOf()
    const reservation = take(budget.tryReserve(10))
    take(budget.tryReserve(10))
    reservation.release()
    reservation.release()
    reservation.grow(5)
    reservation.shrink(5)
    expect(budget.figures().heldBytes).toBe(10)
  })

  it('forgets who is aborted, and lets those behind in', async () => {
    const budget = budgetOf()
    const held = await budget.reserve(60, never)
    const leaving = new AbortController()
    const large = budget.reserve(90, leaving.signal)
    const small = budget.reserve(40, never)
    expect(await peek(small)).toBe('waits')
    const reason = new Error('left')
    leaving.abort(reason)
    await expect(large).rejects.toBe(reason)
    expect((await small).bytes).toBe(40)
    await expect(budget.reserve(1, leaving.signal)).rejects.toBe(reason)
    held.release()
    expect(budget.figures()).toEqual({
      limitBytes: 100,
      heldBytes: 40,
      waitingBytes: 0,
      waiting: 0,
    })
  })

  it('keeps for who is aborted after being let in what it has, and all others in line', async () => {
    const budget = budgetOf()
    const leaving = new AbortController()
    const held = await budget.reserve(60, leaving.signal)
    const other = budget.reserve(60, never)
    leaving.abort()
    expect(budget.figures()).toMatchObject({ heldBytes: 60, waiting: 1 })
    held.release()
    expect((await other).bytes).toBe(60)
  })

  it('releases with an account all that it holds, and counts nothing for it afterwards', async () => {
    const budget = budgetOf()
    const account = budget.openAccount()
    const upload = take(account.tryReserve(40))
    await account.reserve(30, never)
    expect(account.heldBytes).toBe(70)
    const other = budget.reserve(90, never)
    const late = account.reserve(80, never)
    account.close()
    expect((await other).bytes).toBe(90)
    upload.grow(7)
    ;(await peek(late)) satisfies unknown
    await account.reserve(50, never)
    expect(budget.figures().heldBytes).toBe(90)
  })

  it('lets in whoever holds most when all who hold bytes wait for more', async () => {
    const budget = budgetOf()
    const [light, heavy] = [budget.openAccount(), budget.openAccount()]
    await light.reserve(40, never)
    await heavy.reserve(60, never)
    const ofLight = light.reserve(30, never)
    expect(await peek(ofLight)).toBe('waits')
    const ofHeavy = heavy.reserve(30, never)
    expect((await ofHeavy).bytes).toBe(30)
    expect(await peek(ofLight)).toBe('waits')
    heavy.close()
    expect((await ofLight).bytes).toBe(30)
  })
})

/** What happens to a budget, in any order. `pick` chooses among those that there are. */
const command = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('reserve'), bytes: fc.nat(LIMIT), pick: fc.nat() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('try'), bytes: fc.nat(LIMIT), pick: fc.nat() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('release'), bytes: fc.nat(LIMIT), pick: fc.nat() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('shrink'), bytes: fc.nat(LIMIT), pick: fc.nat() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('abort'), bytes: fc.nat(LIMIT), pick: fc.nat() }),
  },
)

interface Asked {
  readonly bytes: number
  readonly leaving: AbortController
}

describe('a budget of which nobody asks for more than the limit', () => {
  it('never holds more than it, lets in by order of asking, and forgets nobody', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 60 }), async (commands) => {
        const budget = budgetOf()
        const held: Reservation[] = []
        let waiting: Asked[] = []
        const ask = (bytes: number): void => {
          const asked = { bytes, leaving: new AbortController() }
          waiting.push(asked)
          budget.reserve(bytes, asked.leaving.signal).then(
            (reservation) => {
              expect(waiting[0]).toBe(asked)
              waiting.shift()
              held.push(reservation)
            },
            () => {
              waiting = waiting.filter((other) => other !== asked)
            },
          )
        }
        for (const { kind, bytes, pick } of commands) {
          const reservation = held[pick % held.length]
          const before = budget.figures()
          if (kind === 'reserve') ask(bytes)
          if (kind === 'release' && reservation) {
            reservation.release()
            held.splice(held.indexOf(reservation), 1)
          }
          if (kind === 'shrink') reservation?.shrink(bytes)
          if (kind === 'abort') waiting[pick % waiting.length]?.leaving.abort()
          if (kind === 'try') {
            const tried = budget.tryReserve(bytes)
            if (tried) held.push(tried)
            const isRoom = before.heldBytes + bytes <= LIMIT / 2 || before.heldBytes === 0
            expect(tried !== undefined).toBe(isRoom && before.waiting === 0)
          }
          await setImmediate()
          const { heldBytes, waiting: count } = budget.figures()
          expect(heldBytes).toBe(held.reduce((sum, one) => sum + one.bytes, 0))
          expect(heldBytes).toBeLessThanOrEqual(LIMIT)
          expect(count).toBe(waiting.length)
          // Nobody waits who could be let in.
          if (waiting[0]) expect(heldBytes + waiting[0].bytes).toBeGreaterThan(LIMIT)
        }
        while (held.length > 0) {
          held.pop()?.release()
          await setImmediate()
        }
        expect(budget.figures()).toEqual({
          limitBytes: 100,
          heldBytes: 0,
          waitingBytes: 0,
          waiting: 0,
        })
      }),
      { numRuns: 200 },
    )
  })
})

describe('requests that hold pieces while they wait for more', () => {
  it('all come to their end, and pass the limit by no more than what one of them holds', async () => {
    const requests = fc.array(
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 5 }),
      {
        minLength: 1,
        maxLength: 12,
      },
    )
    await fc.assert(
      fc.asyncProperty(requests, fc.boolean(), async (all, isAtOnce) => {
        const budget = budgetOf()
        const largest = Math.max(
          ...all.map((pieces) => pieces.reduce((sum, bytes) => sum + bytes, 0)),
        )
        const serve = async (pieces: readonly number[]): Promise<void> => {
          const account = budget.openAccount()
          const one = async (bytes: number): Promise<void> => {
            await account.reserve(bytes, never)
            expect(budget.figures().heldBytes).toBeLessThanOrEqual(LIMIT + largest)
            await setImmediate()
          }
          if (isAtOnce) await Promise.all(pieces.map(one))
          else for (const bytes of pieces) await one(bytes)
          account.close()
        }
        await Promise.all(all.map(serve))
        expect(budget.figures()).toEqual({
          limitBytes: 100,
          heldBytes: 0,
          waitingBytes: 0,
          waiting: 0,
        })
      }),
      { numRuns: 200 },
    )
  })
})
