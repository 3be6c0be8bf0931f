import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  hasRedisServer,
  redisReason,
  startRedis,
  type TestRedis,
} from '#test/helpers/redis-server.ts'
import { createBudgetedKey, overspentUsd, type Told } from './acknowledged-work.ts'
import { setUpResilience } from './resilience-setup.ts'

const ADMIN_KEY = 'test-admin-key'
const PRICE_USD = 0.08

/** Ways to ask, each with its own waits for Redis. */
const KINDS = [
  { name: 'plain', headers: () => ({}) },
  { name: 'repeatable', headers: (n: number) => ({ 'idempotency-key': `key-${n}` }) },
  { name: 'later', headers: () => ({ prefer: 'respond-async' }) },
] as const
type KindName = (typeof KINDS)[number]['name']

interface Asked {
  readonly name: KindName
  readonly status: number
  readonly tookMs: number
}

const FROZEN_MS = 3_000
/** A request may wait for Redis for 0.2 s; the rest is for a machine that is busy. In ms. */
const MAY_ADD_MS = 1_500

const slowestOf = (asked: readonly Asked[]): number =>
  Math.round(Math.max(...asked.map(({ tookMs }) => tookMs)))

describe.skipIf(!hasRedisServer)(`a Redis that is frozen for seconds${redisReason}`, () => {
  const setup = setUpResilience()
  let redis: TestRedis
  beforeEach(async () => {
    redis = await startRedis()
  })
  afterEach(() => redis.stop())

  it('fails no request, holds none for long, and is told everything afterwards', async () => {
    const gateway = await setup().start({ GATEWAY_ADMIN_KEY: ADMIN_KEY, REDIS_URL: redis.url })
    const { key } = await createBudgetedKey(gateway, ADMIN_KEY, {
      limits: { requests_per_minute: 100_000, concurrent: 1_000 },
    })
    const authorization = { authorization: `Bearer ${key}` }
    const done: Told[] = []
    let asked: Asked[] = []
    let [number, isOver] = [0, false]
    const run = async ({ name, headers }: (typeof KINDS)[number]) => {
      while (!isOver) {
        number += 1
        const begunMs = performance.now()
        const part = { provider: { only: ['fal'] } }
        const { status, body } = await gateway.ask(part, { ...authorization, ...headers(number) })
        asked.push({ name, status, tookMs: performance.now() - begunMs })
        const cost = { costUsd: status === 202 ? PRICE_USD : body.metadata?.cost }
        done.push({ id: body.id, gateway: 0, atMs: begunMs, url: '', ...cost })
        await sleep(20)
      }
    }
    const countOf = (name: KindName) => asked.filter((each) => each.name === name).length
    const untilAsked = (least: number) =>
      expect
        .poll(() => Math.min(...KINDS.map(({ name }) => countOf(name))), { timeout: 20_000 })
        .toBeGreaterThan(least)
    const running = KINDS.map(run)
    await untilAsked(5)
    const before = asked
    asked = []
    redis.freeze()
    await sleep(FROZEN_MS)
    await untilAsked(5)
    const frozen = asked
    asked = []
    redis.thaw()
    await untilAsked(5)
    isOver = true
    await Promise.all(running)
    for (const { name } of KINDS) {
      const of = (all: readonly Asked[]) => all.filter((each) => each.name === name)
      expect(slowestOf(of(frozen))).toBeLessThan(slowestOf(of(before)) + MAY_ADD_MS)
    }
    expect([...before, ...frozen, ...asked].filter(({ status }) => status > 202)).toEqual([])
    const waiting = () => gateway.metric('fresnel_request_log_waiting')
    await expect.poll(waiting, { timeout: 10_000 }).toBe(0)
    await expect
      .poll(() => overspentUsd(gateway, key, { done }), { timeout: 10_000 })
      .toBeCloseTo(0, 5)
    const ids = await redis.client.keys('gw:{rq}:n:*')
    expect(ids.length).toBe(done.length)
    console.log(
      `slowest before ${slowestOf(before)} ms; while it was frozen:`,
      KINDS.map(
        ({ name }) =>
          `${name} ${slowestOf(frozen.filter((each) => each.name === name))} ms of ${frozen.filter((each) => each.name === name).length}`,
      ).join(', '),
    )
  }, 60_000)
})
