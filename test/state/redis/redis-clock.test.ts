import { describe, expect, it } from 'vitest'
import { RedisClock } from '#src/state/redis/redis-clock.ts'

describe('the lead of the clock of Redis', () => {
  const answer = (ms: number) => [String(Math.floor(ms / 1000)), String((ms % 1000) * 1000)]

  it('is taken in the middle of the time that the answer took', () => {
    const clock = new RedisClock(1)
    expect(clock.aheadMs).toBeUndefined()
    clock.learn(answer(50_000), 10_000, 10_020)
    expect(clock.aheadMs).toBe(39_990)
  })

  it('stands still while an answer agrees with it, and moves as little as it must', () => {
    const clock = new RedisClock(1)
    clock.learn(answer(50_000), 10_000, 10_020)
    clock.learn(answer(51_000), 11_002, 11_012)
    expect(clock.aheadMs).toBe(39_990)
    clock.learn(answer(52_000), 12_050, 12_060)
    expect(clock.aheadMs).toBe(39_950)
  })

  it('is in routing time', () => {
    const clock = new RedisClock(20)
    clock.learn(answer(50_000), 900_000, 900_000)
    expect(clock.aheadMs).toBe(100_000)
  })

  it('learns nothing from an answer that is none', () => {
    const clock = new RedisClock(1)
    clock.learn('OK', 0, 0)
    clock.learn(['x', 'y'], 0, 0)
    expect(clock.aheadMs).toBeUndefined()
  })
})
