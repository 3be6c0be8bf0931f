import { beforeEach, describe, expect, it } from 'vitest'
import type { RequestLog, RequestPage, RequestQuery } from '#src/domain/request-record.ts'
import { fullRecord, START_MS, sampleRecord } from './request-log-samples.ts'

const DAY_MS = 24 * 3_600_000

/** A log whose clock stands still, a minute after `START_MS`. It keeps 50 requests and 30 days. */
export interface LogUnderContract {
  readonly log: RequestLog
  /** Resolves when everything that was told can be forgotten by who told it. */
  settle(): Promise<void>
}

const idsOf = ({ records }: RequestPage): string[] => records.map(({ id }) => id)

/** What every request log does. */
export const describeRequestLog = (create: () => Promise<LogUnderContract>): void => {
  let log: RequestLog
  let settle: () => Promise<void>
  beforeEach(async () => {
    const made = await create()
    log = made.log
    settle = () => made.settle()
  })

  const list = (query: Partial<RequestQuery> = {}) => log.list({ limit: 100, ...query })
  /** Adds requests a second apart, the first at the start. */
  const addRow = (...ids: string[]) => {
    for (const [index, id] of ids.entries()) {
      log.add(sampleRecord(id, { createdAtMs: START_MS + index * 1000, cost: 10 ** index }))
    }
  }

  // All holds before and after what was told is settled, and when half of it is.
  describe.each(['is told of', 'has settled', 'has settled in part'])('what it %s', (state) => {
    const settled = async () => {
      if (state === 'has settled') await settle()
    }
    const half = async () => {
      if (state !== 'is told of') await settle()
    }

    it('is there as it was added', async () => {
      const record = fullRecord('a')
      log.add(record)
      await settled()
      expect(await log.find('a', record.keyId)).toEqual(record)
      expect(await log.findOfAnyone('a')).toEqual(record)
      expect(await list()).toEqual({ records: [record], isPartial: false })
    })

    it('is what became of each request', async () => {
      log.add(sampleRecord('a', { status: 'pending' }))
      await half()
      log.add(sampleRecord('a', { status: 'completed', cost: 5 }))
      await settled()
      const ended = sampleRecord('a', { cost: 5 })
      expect(await log.find('a', undefined)).toEqual(ended)
      expect(await list({ status: 'pending' })).toEqual({ records: [], isPartial: false })
      expect(await list()).toEqual({ records: [ended], isPartial: false })
      expect(await log.summarize({})).toEqual({ count: 1, cost: 5, isPartial: false })
    })

    it('stays ended, though that it is pending is told late', async () => {
      log.add(sampleRecord('a'))
      await half()
      log.add(sampleRecord('a', { status: 'pending' }))
      await settled()
      expect(await list({ status: 'pending' })).toEqual({ records: [], isPartial: false })
      expect(await log.find('a', undefined)).toEqual(sampleRecord('a'))
    })

    it('has the size of the answer, once that is known', async () => {
      log.add(sampleRecord('a', { keyId: 'k' }))
      await half()
      log.noteResponse(sampleRecord('a', { keyId: 'k' }), 412)
      log.noteResponse(sampleRecord('a'), 1)
      await settled()
      const answered = sampleRecord('a', { keyId: 'k', responseSizeBytes: 412 })
      expect(await list()).toEqual({ records: [answered], isPartial: false })
      expect(await log.find('a', 'k')).toEqual(answered)
    })

    it("keeps each key's requests apart, though clients choose the ids", async () => {
      const mine = sampleRecord('same', { keyId: 'key a' })
      const theirs = sampleRecord('same', { keyId: 'b', createdAtMs: START_MS + 1 })
      log.add(mine)
      await half()
      log.add(theirs)
      await settled()
      expect(await log.find('same', 'key a')).toEqual(mine)
      expect(await log.find('same', 'b')).toEqual(theirs)
      expect(await log.find('same', undefined)).toBeUndefined()
      expect(await log.findOfAnyone('same')).toEqual(theirs)
      expect(await log.findOfAnyone('other')).toBeUndefined()
      expect((await list({ keyId: 'key a' })).records).toEqual([mine])
      expect((await list({ keyId: null })).records).toEqual([])
      expect((await list()).records).toEqual([theirs, mine])
    })

    it('has every request of a key that uses one id again and again, and finds the latest', async () => {
      const all = [0, 1, 2, 3].map((ms) => sampleRecord('same', { createdAtMs: START_MS + ms }))
      for (const [index, record] of all.entries()) {
        log.add(record)
        if (index === 2) await half()
      }
      await settled()
      expect(await log.find('same', undefined)).toEqual(all[3])
      expect((await list()).records).toEqual(all.toReversed())
      expect(await log.summarize({})).toEqual({ count: 4, cost: 0, isPartial: false })
    })

    it('has every request of a fan-out that uses one id within a millisecond', async () => {
      const all = [3, 1, 2].map((index) => {
        const nonce = `${index}`.padStart(10, '0')
        return sampleRecord('same', { nonce, cost: 10 ** index })
      })
      for (const record of all) log.add({ ...record, status: 'pending', cost: 0 })
      await half()
      for (const record of all) log.add(record)
      await settled()
      const [newest, oldest, middle] = all
      expect((await list()).records).toEqual([newest, middle, oldest])
      expect(await log.summarize({})).toEqual({ count: 3, cost: 1_110, isPartial: false })
      expect(all).toContainEqual(await log.find('same', undefined))
    })

    it('is paged newest first, exactly, while new ones come', async () => {
      const row = Array.from({ length: 9 }, (_, index) => `r${index}`)
      addRow(...row.slice(0, 4))
      await half()
      addRow(...row)
      await settled()
      const first = await list({ limit: 4 })
      expect([idsOf(first), first.newer]).toEqual([['r8', 'r7', 'r6', 'r5'], undefined])
      log.add(sampleRecord('new', { createdAtMs: START_MS + 20_000 }))
      await settled()
      const second = await list({ limit: 4, olderThan: String(first.older) })
      expect(idsOf(second)).toEqual(['r4', 'r3', 'r2', 'r1'])
      const third = await list({ limit: 4, olderThan: String(second.older) })
      expect([idsOf(third), third.older]).toEqual([['r0'], undefined])
      const back = await list({ limit: 4, newerThan: String(third.newer) })
      expect(idsOf(back)).toEqual(['r4', 'r3', 'r2', 'r1'])
      const front = await list({ limit: 4, newerThan: String(back.newer) })
      expect(idsOf(front)).toEqual(['r8', 'r7', 'r6', 'r5'])
      const newest = await list({ limit: 4, newerThan: String(front.newer) })
      expect([idsOf(newest), newest.newer]).toEqual([['new'], undefined])
      expect(newest.older).toBeDefined()
    })

    it('is paged exactly, though all came at once and ids begin alike', async () => {
      const ids = ['a', 'a.', 'a-b', 'aa', 'a:', 'A', '~', 'ü', 'b']
      const keys = [undefined, 'k', 'k.', 'k k']
      const all = keys.flatMap((keyId) => ids.map((id) => ({ id, ...(keyId && { keyId }) })))
      for (const [index, identity] of all.entries()) {
        log.add(sampleRecord(identity.id, identity))
        if (index === 10) await half()
      }
      await settled()
      const seen: string[] = []
      let olderThan: string | undefined
      do {
        const page = await list({ limit: 1, ...(olderThan !== undefined && { olderThan }) })
        seen.push(...page.records.map(({ id, keyId }) => `${id} ${keyId}`))
        olderThan = page.older
      } while (olderThan !== undefined && seen.length < 100)
      expect(seen.toSorted()).toEqual(all.map(({ id, keyId }) => `${id} ${keyId}`).toSorted())
      const whole = await list()
      expect(whole.records.map(({ id, keyId }) => `${id} ${keyId}`)).toEqual(seen)
    })

    it('is filtered by state, model, key and time, in pages and in sums', async () => {
      log.add(sampleRecord('a', { status: 'rejected', cost: 1, keyId: 'k' }))
      log.add(sampleRecord('b', { model: 'other ü/model', cost: 10, createdAtMs: START_MS + 1 }))
      await half()
      log.add(sampleRecord('c', { status: 'rejected', cost: 100, createdAtMs: START_MS + 2 }))
      log.add(sampleRecord('d', { keyId: 'k', cost: 1000, createdAtMs: START_MS + 3 }))
      await settled()
      const expectMatches = async (filter: Partial<RequestQuery>, ids: string[], cost: number) => {
        const page = await list(filter)
        expect([idsOf(page), page.older, page.newer]).toEqual([ids, undefined, undefined])
        const { count, cost: sum } = await log.summarize(filter)
        expect([count, sum]).toEqual([ids.length, cost])
      }
      await expectMatches({}, ['d', 'c', 'b', 'a'], 1111)
      await expectMatches({ status: 'rejected' }, ['c', 'a'], 101)
      await expectMatches({ status: 'cancelled' }, [], 0)
      await expectMatches({ model: 'other ü/model' }, ['b'], 10)
      await expectMatches({ keyId: 'k' }, ['d', 'a'], 1001)
      await expectMatches({ keyId: 'k', status: 'rejected' }, ['a'], 1)
      await expectMatches({ createdFromMs: START_MS + 1 }, ['d', 'c', 'b'], 1110)
      await expectMatches({ createdFromMs: START_MS + 0.5 }, ['d', 'c', 'b'], 1110)
      await expectMatches({ createdBeforeMs: START_MS + 1 }, ['a'], 1)
      await expectMatches(
        { createdFromMs: START_MS + 1, createdBeforeMs: START_MS + 3 },
        ['c', 'b'],
        110,
      )
      const page = await list({ status: 'rejected', limit: 1 })
      expect(idsOf(await list({ status: 'rejected', olderThan: String(page.older) }))).toEqual([
        'a',
      ])
    })

    it('is summed up by time, model and provider', async () => {
      const HOUR = 3_600_000
      const served = { provider: 'fal', keyId: 'k a', durationMs: 4_000, overheadMs: 2.5 }
      log.add(sampleRecord('a', { ...served, cost: 10, model: 'ü/m' }))
      log.add(sampleRecord('b', { ...served, cost: 20, createdAtMs: START_MS - HOUR }))
      const failed = { status: 'upstream_failure', durationMs: 100_000 } as const
      log.add(sampleRecord('c', { ...served, ...failed, provider: 'x|y', cost: 3 }))
      await half()
      log.add(sampleRecord('early', { ...served, createdAtMs: START_MS - HOUR - 1 }))
      log.add(sampleRecord('theirs', { createdAtMs: START_MS + 1, durationMs: 8_000 }))
      log.add(sampleRecord('p', { status: 'pending', keyId: 'k a', createdAtMs: START_MS + 2 }))
      await settled()
      const none = { completed: 0, pending: 0, rejected: 0, upstream_failure: 0, cancelled: 0 }
      const no = { p50Ms: undefined, p95Ms: undefined, meanMs: undefined }
      const about = (ms: number) => ({
        p50Ms: expect.closeTo(ms),
        p95Ms: expect.closeTo(ms),
        meanMs: expect.closeTo(ms),
      })
      const done = (requests: number, cost: number, counts: object = {}) => ({
        requests,
        cost,
        counts: { ...none, completed: requests, ...counts },
        durations: about(4_000),
      })
      const span = { fromMs: START_MS - HOUR, toMs: START_MS + 3, intervalMs: HOUR }
      expect(await log.sumUsage({ keyId: 'k a', span })).toEqual({
        totals: done(4, 33, { completed: 2, upstream_failure: 1, pending: 1 }),
        overhead: about(2.5),
        intervals: [
          { atMs: START_MS - HOUR, ...done(1, 20) },
          {
            atMs: START_MS,
            ...done(3, 13, { completed: 1, upstream_failure: 1, pending: 1 }),
          },
        ],
        models: [
          {
            name: 'google/painter',
            ...done(3, 23, { completed: 1, upstream_failure: 1, pending: 1 }),
          },
          { name: 'ü/m', ...done(1, 10) },
        ],
        providers: [
          { name: 'fal', ...done(2, 30) },
          { name: 'x|y', ...done(1, 3, { completed: 0, upstream_failure: 1 }), durations: no },
        ],
        isPartial: false,
      })
      const all = await log.sumUsage({ span })
      expect([all.totals.requests, all.totals.durations.p95Ms]).toEqual([
        5,
        expect.closeTo(8_000, -3),
      ])
      const model = 'ü/m'
      expect((await log.sumUsage({ keyId: 'k a', model, span })).totals).toEqual(done(1, 10))
      expect((await log.sumUsage({ keyId: null, span })).totals.requests).toBe(1)
    })

    it('has nothing of a text that a client made too long', async () => {
      const long = 'x'.repeat(1_000_000)
      log.add(sampleRecord('a', { model: long, user: `${'y'.repeat(511)}\u{1f600}` }))
      await settled()
      const [record] = (await list({ model: long })).records
      expect(record).toEqual(
        sampleRecord('a', { model: 'x'.repeat(200), user: `${'y'.repeat(511)}\ufffd` }),
      )
    })
  })

  it('forgets the oldest when there are too many', async () => {
    for (let index = 0; index < 53; index += 1) {
      log.add(sampleRecord(`r${index}`, { createdAtMs: START_MS + index, keyId: 'k', cost: 1 }))
    }
    await settle()
    expect(await log.find('r2', 'k')).toBeUndefined()
    expect(await log.find('r3', 'k')).toBeDefined()
    expect(await log.findOfAnyone('r2')).toBeUndefined()
    expect((await list({ keyId: 'k' })).records).toHaveLength(50)
    expect(await log.summarize({ keyId: 'k' })).toMatchObject({ count: 50, cost: 50 })
  })

  it('forgets what is too old', async () => {
    log.add(sampleRecord('old', { createdAtMs: START_MS - 30 * DAY_MS, cost: 1 }))
    log.add(sampleRecord('young', { createdAtMs: START_MS - 29 * DAY_MS, cost: 10 }))
    await settle()
    expect(idsOf(await list())).toEqual(['young'])
    expect(await log.find('old', undefined)).toBeUndefined()
    expect(await log.summarize({})).toMatchObject({ count: 1, cost: 10 })
  })
}
