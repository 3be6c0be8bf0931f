import { afterEach, describe, expect, it } from 'vitest'
import { LEFT_JOBS_MS } from '#src/domain/run-store.ts'
import { redisOfTests } from '#test/helpers/redis-of-tests.ts'
import { hasRedisServer, redisReason } from '#test/helpers/redis-server.ts'
import { createRunBench, leaseEnds } from './run-bench.ts'
import { claimOf, jobOf, runIdOf } from './run-samples.ts'

const ID = runIdOf(1)
const KEY = `gw:{run:${ID}}`
const MINE = { kind: 'mine', jobs: [] }
const RUNNING = { kind: 'running' }

describe.skipIf(!hasRedisServer)(`runs that another gateway takes over${redisReason}`, () => {
  const redis = redisOfTests()
  const bench = createRunBench()
  afterEach(bench.close)

  const start = () => bench.start(redis().url)
  const two = async () => [await start(), await start()] as const

  it('hands the jobs of a run that was released to another gateway, for an hour', async () => {
    const [a, b] = await two()
    await a.claim(claimOf(1))
    a.noteJob(ID, jobOf('one'))
    await a.release(ID)
    expect(Object.keys(await redis().client.hgetall(KEY)).sort()).toEqual([
      'fingerprint',
      'job:one',
      'requestId',
    ])
    expect(await redis().client.pttl(KEY)).toBeLessThanOrEqual(LEFT_JOBS_MS)
    expect(await b.claim(claimOf(1))).toEqual({ kind: 'mine', jobs: [jobOf('one')] })
    expect(await a.claim(claimOf(1))).toEqual(RUNNING)
    b.dropJob(ID, 'one')
    await b.release(ID)
    expect(await redis().client.exists(KEY)).toBe(0)
    expect(await b.claim(claimOf(1))).toEqual(MINE)
  })

  it('says for which request a run was claimed first that is taken over', async () => {
    const [a, b] = await two()
    await a.claim(claimOf(1))
    // Says it again and again, which changes nothing.
    await leaseEnds()
    await a.close()
    await leaseEnds()
    const repeat = claimOf(1, { requestId: 'repeat' })
    expect(await b.claim(repeat)).toEqual({ ...MINE, firstRequestId: 'request-1' })
    await b.close()
    await leaseEnds()
    const third = claimOf(1, { requestId: 'third' })
    expect(await (await start()).claim(third)).toEqual({ ...MINE, firstRequestId: 'request-1' })
  })

  it('does not give up a run that was claimed on here while its release was being told', async () => {
    const [a, b] = await two()
    await a.claim(claimOf(1))
    a.noteJob(ID, jobOf('one'))
    const repeat = claimOf(1, { requestId: 'repeat' })
    expect(await a.claim(repeat)).toEqual(RUNNING)
    const following = a.follow(ID, new AbortController().signal).then(() => a.claim(repeat))
    await a.release(ID)
    expect(await following).toMatchObject({ kind: 'mine', jobs: [jobOf('one')] })
    expect(await b.claim(claimOf(1, { requestId: 'elsewhere' }))).toEqual(RUNNING)
  })

  it('says for which request a run was claimed first, though a repeat gave it up', async () => {
    const [a, b] = await two()
    await a.claim(claimOf(1))
    await a.close()
    await leaseEnds()
    const first = { ...MINE, firstRequestId: 'request-1' }
    expect(await b.claim(claimOf(1, { requestId: 'refused' }))).toEqual(first)
    await b.release(ID)
    expect(await b.claim(claimOf(1, { requestId: 'again' }))).toEqual(first)
  })
})
