import { describe, expect, it } from 'vitest'
import { HOUR_MS } from '#src/domain/provider-stats.ts'
import type { Step } from '#src/state/redis/batch.ts'
import { BucketLedger } from '#src/state/redis/bucket-ledger.ts'
import { HealthLedger } from '#src/state/redis/health-fields.ts'
import { Inbox } from '#src/state/redis/inbox.ts'
import { BUCKET_MS, DAY_MS, WINDOW_MS } from '#src/state/redis/redis-keys.ts'
import { createStatsRecorder } from '#test/state/stats-recorder.ts'

const START_MS = 1_000 * BUCKET_MS
const sums = new Map([['fal/painter|text_to_image|1K|s', 1]])

describe('the inbox', () => {
  const create = () => {
    const ledger = new BucketLedger('#me', 1_000)
    const health = new HealthLedger('me')
    const inbox = new Inbox({ ledger, health, configKeys: [], startedMs: START_MS })
    const receiver = createStatsRecorder()
    const steps = (nowMs: number): Step[] => inbox.steps({ nowMs, aheadMs: 0 }, receiver)
    return { ledger, inbox, receiver, steps }
  }
  const answerAll = (steps: readonly Step[], hash = {}): void => {
    for (const step of steps) step.answered?.(hash)
  }

  it('keeps bounded accounts while Redis refuses', () => {
    const { ledger, inbox, steps } = create()
    let most = 0
    for (let nowMs = START_MS; nowMs < START_MS + 5 * WINDOW_MS; nowMs += BUCKET_MS) {
      inbox.dropOld({ nowMs, aheadMs: 0 })
      ledger.sent(nowMs / BUCKET_MS, nowMs, sums)
      for (const step of steps(nowMs)) step.failed?.(new Error('OOM'))
      most = Math.max(most, ledger.size)
    }
    expect(most).toBeLessThanOrEqual(WINDOW_MS / BUCKET_MS + 2)
  })

  it('keeps few accounts when all goes well', () => {
    const { ledger, inbox, steps } = create()
    for (let nowMs = START_MS; nowMs < START_MS + 5 * WINDOW_MS; nowMs += BUCKET_MS) {
      inbox.dropOld({ nowMs, aheadMs: 0 })
      answerAll(steps(nowMs))
    }
    expect(ledger.size).toBeLessThan(70)
  })

  it('does not run after late counts that are none', () => {
    const { ledger, inbox, steps } = create()
    const garbage = ['nonsense', '99999999999999#x', '1.5#x', '-1#x', '#x', '1e3#x']
    for (let nowMs = START_MS; nowMs < START_MS + 2 * WINDOW_MS; nowMs += BUCKET_MS) {
      inbox.dropOld({ nowMs, aheadMs: 0 })
      const present = steps(nowMs)
      answerAll(present)
      for (const step of present) step.answered?.(garbage)
    }
    expect(steps(START_MS + 2 * WINDOW_MS)).toHaveLength(5)
    expect(ledger.size).toBeLessThan(70)
  })

  it('knows its own counts when it reads their buckets after a long outage', () => {
    const { ledger, inbox, receiver, steps } = create()
    const bucket = START_MS / BUCKET_MS
    for (let round = 0; round < 20; round += 1) answerAll(steps(START_MS))
    ledger.sent(bucket, 1, sums)
    const backMs = START_MS + 20 * 60_000
    for (let nowMs = START_MS; nowMs < backMs; nowMs += BUCKET_MS) {
      inbox.dropOld({ nowMs, aheadMs: 0 })
    }
    const hash = { '#': '#me:1', '#me': '1', ...Object.fromEntries(sums) }
    expect(ledger.size).toBeGreaterThan(0)
    expect(ledger.read(bucket, hash, backMs)).toEqual([])
    expect(receiver.successes()).toBe(0)
  })

  it('reads the past of offerings that come later, once, up to the present bucket, and tells their health again', () => {
    const { inbox, receiver, steps } = create()
    const nowMs = START_MS + DAY_MS
    const day = Math.floor(nowMs / DAY_MS)
    const hour = Math.floor((nowMs - day * DAY_MS) / HOUR_MS)
    const field = (part: string) => `${hour}|text_to_image|1K|${part}`
    const past = { [field('s')]: '4', [field('l')]: '40' }
    const health = { 'the/model:fal|c': `${nowMs - 1_000} open ${nowMs + 9_000} 1 other` }
    const answers: Record<string, object> = { [`h:fal/painter:${day}`]: past, st: health }
    const asked: string[] = []
    const answer = (atMs: number): void => {
      for (const step of steps(atMs)) {
        const pipeline = {
          hgetall: (key: string) => asked.push(key),
          zrangebyscore: () => asked.push('late'),
        }
        step.send(pipeline as never)
        const key = asked.at(-1) ?? ''
        step.answered?.(answers[key] ?? {})
      }
    }
    for (let round = 0; round < 20; round += 1) answer(nowMs)
    expect([receiver.successes(), receiver.adopted.length]).toEqual([0, 1])
    inbox.follow(['fal/painter'])
    asked.length = 0
    for (let round = 0; round < 3; round += 1) answer(nowMs)
    const days = asked.filter((key) => key.startsWith('h:'))
    expect(days).toEqual([`h:fal/painter:${day - 1}`, `h:fal/painter:${day}`])
    expect([...receiver.absorbed.keys()]).toEqual(['fal/painter|text_to_image|1K'])
    expect(receiver.successes()).toBe(4)
    expect(receiver.adopted.length).toBe(2)
    inbox.follow(['fal/painter'])
    asked.length = 0
    answer(nowMs)
    expect(asked.filter((key) => key.startsWith('h:'))).toEqual([])
    expect(receiver.adopted.length).toBe(2)
  })
})
