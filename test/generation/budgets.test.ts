import { describe, expect, it } from 'vitest'
import type { KeyBudget } from '#src/domain/api-key.ts'
import { systemClock } from '#src/domain/clock.ts'
import { accountOf } from '#src/domain/spending.ts'
import { type Budgets, dearestPrice, reserveCost, settleCost } from '#src/generation/budgets.ts'
import { createDecisionTrace } from '#src/generation/decision-trace.ts'
import { priceAt } from '#src/generation/estimate-request.ts'
import { planRequest } from '#src/generation/plan-request.ts'
import { createSpendBook } from '#src/state/spend-book.ts'
import {
  ALL_PROVIDERS,
  createFirstCatalog,
  FIRST_MODEL,
  imageRequest,
} from '#test/helpers/models.ts'

const adapters = new Map([...ALL_PROVIDERS].map((id) => [id, {} as never]))
const plans = { catalog: createFirstCatalog(), adapters }

const begin = (part: Parameters<typeof imageRequest>[0] = {}) => {
  const request = imageRequest({ keyId: 'key_a', ...part })
  const trace = createDecisionTrace('req', systemClock)
  return { request, trace, plan: planRequest(plans, request, trace) }
}

const createBudgets = (limit: number): Budgets & { left(): Promise<number> } => {
  const budget: KeyBudget = { limit, period: 'total' }
  const ledger = createSpendBook({ monotonicMs: systemClock.monotonicMs })
  return {
    ledger,
    budgetOf: (keyId) => (keyId === 'key_a' ? budget : undefined),
    left: () => ledger.available(accountOf('key_a', budget, 0)),
  }
}

describe('the money of a request', () => {
  it('is set aside for the dearest of its candidates', () => {
    const { plan, request } = begin({ parameters: { prompt: 'a', n: 2 } })
    const prices = plan.candidates.map((candidate) => priceAt(candidate, 2, request).total)
    expect(new Set(prices).size).toBeGreaterThan(1)
    expect(dearestPrice(plan, request)).toBe(Math.max(...prices))
  })

  it('is set aside for two of them where the slower one is paid, too', () => {
    const part = { parameters: { prompt: 'a' }, routing: { hedge: 'billed' } } as const
    const { plan, request } = begin(part)
    const prices = plan.candidates.map((candidate) => priceAt(candidate, 1, request).total)
    const [first = 0, second = 0] = prices.toSorted((one, other) => other - one)
    expect(dearestPrice(plan, request)).toBe(first + second)
    const alone = begin({ ...part, routing: { hedge: 'billed', only: ['fal'] } })
    expect(dearestPrice(alone.plan, alone.request)).toBe(80_000)
  })

  it('is set aside before anything is sent, and booked at its cost', async () => {
    const budgets = createBudgets(1_000_000)
    const { plan, ...charged } = begin()
    await reserveCost(budgets, charged, plan)
    expect(await budgets.left()).toBe(1_000_000 - dearestPrice(plan, charged.request))
    await settleCost(budgets, charged, 67_000)
    expect(await budgets.left()).toBe(933_000)
  })

  it('is asked for with what is required and what is available', async () => {
    const budgets = createBudgets(12_000)
    const { plan, ...charged } = begin({ routing: { only: ['fal'] } })
    await expect(reserveCost(budgets, charged, plan)).rejects.toMatchObject({
      code: 'INSUFFICIENT_BALANCE',
      status: 402,
      message: "The request may cost up to $0.08, and $0.012 is available of the key's budget.",
    })
    await settleCost(budgets, charged, 0)
    expect(await budgets.left()).toBe(12_000)
  })

  it('is booked by whoever takes the request over', async () => {
    const budgets = createBudgets(1_000_000)
    const { plan, request, trace } = begin()
    await reserveCost(budgets, { request, trace }, plan)
    const { account: _elsewhere, ...adopted } = trace
    await settleCost(budgets, { request, trace: adopted }, 67_000)
    await settleCost(budgets, { request, trace }, 67_000)
    expect(await budgets.left()).toBe(933_000)
  })

  it('is none of a repeat that finds the request under way', async () => {
    const budgets = createBudgets(1_000_000)
    const { plan, request, trace } = begin()
    await reserveCost(budgets, { request, trace }, plan)
    const { account: _elsewhere, ...repeated } = trace
    await reserveCost(budgets, { request, trace: repeated }, plan)
    await settleCost(budgets, { request, trace: repeated }, 0)
    expect(await budgets.left()).toBe(1_000_000 - dearestPrice(plan, request))
  })

  it('is nobody’s without a key or a budget', async () => {
    const budgets = createBudgets(0)
    const { plan, trace, request } = begin()
    const { keyId: _none, ...nobody } = request
    for (const each of [nobody, { ...request, keyId: 'key_b' }]) {
      await reserveCost(budgets, { request: each, trace }, plan)
      await settleCost(budgets, { request: each, trace }, 5)
    }
    expect(await budgets.left()).toBe(0)
  })
})

describe('the models of a key', () => {
  it('are known by id and by alias', () => {
    for (const name of [FIRST_MODEL, 'gemini-3.1-flash-image']) {
      expect(begin({ allowedModels: [name] }).plan.candidates.length).toBeGreaterThan(0)
    }
  })

  it('are all that it may ask for, under whatever name', () => {
    for (const requestedModel of [FIRST_MODEL, `fal/${FIRST_MODEL}`]) {
      expect(() => begin({ allowedModels: ['other', 'another'], requestedModel })).toThrow(
        expect.objectContaining({
          code: 'MODEL_NOT_FOUND',
          message: `The API key may not use "${FIRST_MODEL}". Its models: other, another.`,
        }),
      )
    }
  })
})
