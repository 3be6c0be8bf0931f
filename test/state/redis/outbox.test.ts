import { describe, expect, it } from 'vitest'
import { HOUR_MS } from '#src/domain/provider-stats.ts'
import { BucketLedger } from '#src/state/redis/bucket-ledger.ts'
import { HealthLedger } from '#src/state/redis/health-fields.ts'
import { Outbox } from '#src/state/redis/outbox.ts'
import { PendingSums } from '#src/state/redis/pending-sums.ts'
import { keyLifetimes } from '#src/state/redis/redis-keys.ts'
import { success, testCell } from '#test/state/stats-recorder.ts'

const createOutbox = () => {
  const ledger = new BucketLedger('#me', 1_000)
  const parts = { receipt: '#me', ledger, health: new HealthLedger('me') }
  return new Outbox({ ...parts, lifetimes: keyLifetimes(1) })
}

describe('the outbox', () => {
  it('holds ten minutes of buckets and a day of hours, however long Redis is away', () => {
    const outbox = createOutbox()
    for (let atMs = 0; atMs < 72 * HOUR_MS; atMs += 5_000) {
      outbox.share(success(atMs))
      if (atMs % 60_000 === 0) outbox.dropOld(atMs)
    }
    outbox.dropOld(72 * HOUR_MS)
    expect(outbox.size).toBeLessThanOrEqual(61 + 25)
  })

  it('holds one sum for a cell, however many attempts it adds up', () => {
    const outbox = createOutbox()
    for (let attempt = 0; attempt < 10_000; attempt += 1) outbox.share(success(0))
    expect(outbox.size).toBe(2)
  })

  it('sends the newest first when it has much to send', () => {
    const pending = new PendingSums(10_000, 600_000)
    for (let bucket = 0; bucket < 20; bucket += 1) pending.sumsAt('', bucket * 10_000).set('x', 1)
    expect(pending.take(3).map(({ fromMs }) => fromMs)).toEqual([190_000, 180_000, 170_000])
    expect(pending.size).toBe(17)
  })

  it('adds what comes back to what came since', () => {
    const pending = new PendingSums(10_000, 600_000)
    pending.sumsAt('', 5).set('x', 1)
    const [taken] = pending.take(1)
    pending.sumsAt('', 6).set('x', 2)
    if (taken) pending.putBack(taken)
    expect(pending.take(9).map(({ sums }) => [...sums])).toEqual([[['x', 3]]])
  })

  it('gives offerings a hash each', () => {
    const outbox = createOutbox()
    for (const key of ['fal/a', 'fal/b']) outbox.share(success(0, { cell: testCell(key) }))
    expect(outbox.size).toBe(3)
  })
})
