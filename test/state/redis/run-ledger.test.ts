import { describe, expect, it } from 'vitest'
import { LEFT_JOBS_MS } from '#src/domain/run-store.ts'
import { MAX_UNTOLD } from '#src/state/redis/run-keys.ts'
import { type LedgerLink, type OwnRun, RunLedger } from '#src/state/redis/run-ledger.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { answerOf, claimOf, jobOf, orderOf, runIdOf } from '#test/state/run-samples.ts'

const MINUTE_MS = 60_000
const RENEWAL_MS = 10_000
const ID = runIdOf(1)

/** A ledger whose link writes down what it is told, and takes it or not. */
const createBench = ({ takes }: { takes: boolean }) => {
  const clock = createFakeClock()
  const link = { takes, releases: Promise.resolve() }
  const told: unknown[][] = []
  const tell = (...what: readonly unknown[]): void => {
    if (what.length > 0) told.push([...what])
  }
  const fake: LedgerLink = {
    isReady: () => true,
    claim: async ({ runId, requestId }, changes) => {
      tell('claim', runId, ...(changes ?? []).map(([id, job]) => (job ? `+${id}` : `-${id}`)))
      return link.takes ? { kind: 'mine', requestId, jobs: [] } : undefined
    },
    finish: async ({ runId, order }, answer, keepForMs) => {
      tell('finish', runId, JSON.parse(answer).requestId, keepForMs, order !== undefined)
      return link.takes
    },
    release: async ({ runId }, jobsForMs) => {
      tell('release', runId, ...(jobsForMs > 0 ? [jobsForMs] : []))
      await link.releases
      return link.takes
    },
    watch: async (runIds) => tell(...runIds.map((runId) => `watch ${runId}`)),
    unwatch: async (runIds) => tell(...runIds.map((runId) => `unwatch ${runId}`)),
  }
  const ledger = new RunLedger(fake, RENEWAL_MS, clock.monotonicMs)
  const begin = async (n = 1, withOrder = false): Promise<OwnRun> => {
    const run = ledger.draft(claimOf(n, withOrder ? { order: orderOf(n) } : {}), [])
    ledger.add(run, [], (await ledger.claim(run)) !== undefined)
    told.splice(0)
    return run
  }
  return { ledger, clock, link, begin, said: () => told.splice(0) }
}

describe('what Redis has to be told of runs', () => {
  it('is that somebody works on them, once it is due', async () => {
    const { ledger, clock, begin, said } = createBench({ takes: true })
    await begin()
    await ledger.noteJob(ID, jobOf('one'))
    await ledger.noteJob(ID, jobOf('two'))
    await ledger.dropJob(ID, 'one')
    expect(said()).toEqual([
      ['claim', ID, '+one'],
      ['claim', ID, '+one', '+two'],
      ['claim', ID, '+two', '-one'],
    ])
    clock.advance(RENEWAL_MS - 1)
    await ledger.tell()
    expect(said()).toEqual([])
    clock.advance(1)
    await ledger.tell()
    expect(said()).toEqual([['claim', ID, '+two', '-one']])
  })

  it('is said as one, and until it is heard', async () => {
    const { ledger, clock, link, begin, said } = createBench({ takes: false })
    await begin()
    await ledger.noteJob(ID, jobOf('one'))
    await ledger.end(ID, answerOf('a'), MINUTE_MS)
    await ledger.end(ID, answerOf('b'), MINUTE_MS)
    await ledger.release(ID)
    said()
    clock.advance(1_000)
    await ledger.tell()
    link.takes = true
    await ledger.tell()
    await ledger.tell()
    const finish = ['finish', ID, 'a', MINUTE_MS - 1_000, false]
    expect(said()).toEqual([finish, finish])
    expect(ledger.has(ID)).toBe(false)
  })

  it('is renewed for a run that has ended until it is settled', async () => {
    const { ledger, clock, begin, said } = createBench({ takes: true })
    await begin(1, true)
    await ledger.end(ID, answerOf('a'), MINUTE_MS)
    clock.advance(RENEWAL_MS)
    await ledger.tell()
    await ledger.settle(ID)
    await ledger.tell()
    expect(said()).toEqual([
      ['finish', ID, 'a', MINUTE_MS, true],
      ['finish', ID, 'a', MINUTE_MS - RENEWAL_MS, true],
      [`watch ${ID}`],
      ['finish', ID, 'a', MINUTE_MS - RENEWAL_MS, false],
      [`unwatch ${ID}`],
    ])
  })

  it('is given up for what is over after ten minutes, and never for what is worked on', async () => {
    const { ledger, clock, begin } = createBench({ takes: false })
    for (const n of [1, 2, 3]) await begin(n)
    await ledger.end(runIdOf(1), answerOf('a'), 60 * MINUTE_MS)
    await ledger.release(runIdOf(2))
    clock.advance(10 * MINUTE_MS)
    await ledger.tell()
    expect([1, 2, 3].map((n) => ledger.has(runIdOf(n)))).toEqual([true, true, true])
    clock.advance(1)
    await ledger.tell()
    expect([1, 2, 3].map((n) => ledger.has(runIdOf(n)))).toEqual([false, false, true])
  })

  it('is nothing once an answer is kept no longer', async () => {
    const { ledger, clock, link, begin, said } = createBench({ takes: false })
    await begin(1, true)
    await ledger.end(ID, answerOf('a'), MINUTE_MS)
    clock.advance(MINUTE_MS)
    said()
    link.takes = true
    await ledger.tell()
    expect(said()).toEqual([[`unwatch ${ID}`]])
    expect(ledger.has(ID)).toBe(false)
  })

  it('is bounded: the oldest is given up', async () => {
    const { ledger, begin } = createBench({ takes: false })
    for (let n = 0; n <= MAX_UNTOLD; n += 1) {
      await begin(n)
      await ledger.end(runIdOf(n), answerOf('a'), MINUTE_MS)
    }
    expect([0, 1, MAX_UNTOLD].map((n) => ledger.has(runIdOf(n)))).toEqual([false, true, true])
  })

  it('is the jobs of a run that is given up, so that whoever claims it next can fetch them', async () => {
    const { ledger, link, begin, said } = createBench({ takes: false })
    await begin()
    await ledger.noteJob(ID, jobOf('one'))
    await ledger.noteJob(ID, jobOf('two'))
    await ledger.dropJob(ID, 'one')
    await ledger.release(ID)
    said()
    link.takes = true
    await ledger.tell()
    await ledger.tell()
    expect(said()).toEqual([
      ['claim', ID, '+two', '-one'],
      ['release', ID, LEFT_JOBS_MS],
    ])
    expect(ledger.has(ID)).toBe(false)
  })

  it('is one thing after another: a claim behind its release would take the run on again', async () => {
    const { ledger, link, begin, said } = createBench({ takes: true })
    await begin()
    await ledger.noteJob(ID, jobOf('one'))
    said()
    const { promise, resolve } = Promise.withResolvers<void>()
    link.releases = promise
    const released = ledger.release(ID)
    await expect.poll(() => said()).toContainEqual(['release', ID, LEFT_JOBS_MS])
    const told = ledger.tell()
    resolve()
    await Promise.all([released, told])
    expect(said()).toEqual([])
    expect(ledger.has(ID)).toBe(false)
  })

  it('is the same claim, with the jobs that are left, when a run is begun anew that nobody knows to be released', async () => {
    const { ledger, begin, said } = createBench({ takes: false })
    const { token } = await begin()
    await ledger.noteJob(ID, jobOf('one'))
    await ledger.noteJob(ID, jobOf('two'))
    await ledger.dropJob(ID, 'one')
    await ledger.release(ID)
    said()
    const run = ledger.draft(claimOf(1), [jobOf('two')])
    expect(run.token).toBe(token)
    ledger.add(run, [], (await ledger.claim(run)) !== undefined)
    await ledger.tell()
    const claim = ['claim', ID, '+two', '-one']
    expect(said()).toEqual([claim, claim])
  })
})
