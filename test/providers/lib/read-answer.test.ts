import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { bodyOfStream } from '#providers/lib/arriving-body.ts'
import { countAnswer } from '#providers/lib/read-answer.ts'
import { createSingleShot } from '#providers/lib/single-shot-fetch.ts'
import { type ByteBudget, createByteBudget } from '#src/bytes/byte-budget.ts'
import type { ByteAccount } from '#src/domain/byte-account.ts'
import { systemClock } from '#src/domain/clock.ts'
import type { UpstreamAnswer } from '#src/domain/provider-adapter.ts'
import { cutAt } from '#test/bytes/cut-at.ts'

const BASE64 = randomBytes(150_000).toString('base64')
const BODY = Buffer.from(JSON.stringify({ asked: BASE64, unasked: BASE64 }))

const answerOf = (
  bytes: Iterable<Buffer>,
  headers: Readonly<Record<string, string>> = { 'content-length': String(BODY.length) },
): UpstreamAnswer => ({
  status: 200,
  headers,
  body: bodyOfStream(Readable.from(bytes, { objectMode: false })),
})

const inPieces = (): Buffer[] => cutAt(BODY, [65_536, 131_072, 196_608])

const shotOn = (
  answer: UpstreamAnswer,
  memory: ByteAccount,
  signal = new AbortController().signal,
) =>
  createSingleShot({
    dependencies: { send: async () => answer, clock: systemClock, timeScale: 1 },
    signal,
    memory,
  })

const heldIn = (budget: ByteBudget): number => budget.figures().heldBytes

describe('the answer of a request that is counted', () => {
  it('is not read before there is room for it', async () => {
    const budget = createByteBudget({ limitBytes: 500_000 })
    const other = await budget.reserve(300_000, new AbortController().signal)
    let taken = 0
    const watched = function* () {
      for (const piece of inPieces()) {
        taken += 1
        yield piece
      }
    }
    const shot = shotOn(answerOf(watched()), budget.openAccount())
    const fetched = shot.fetch('http://x.example')
    await new Promise(setImmediate)
    expect([taken, heldIn(budget)]).toEqual([0, 300_000])
    other.release()
    expect(await (await fetched).json()).toMatchObject({ asked: expect.stringMatching(/^lifted/) })
    expect(heldIn(budget)).toBe(BODY.length)
  })

  it('waits for room no longer than its signal lets it', async () => {
    const budget = createByteBudget({ limitBytes: 100 })
    await budget.reserve(100, new AbortController().signal)
    const end = new AbortController()
    const shot = shotOn(answerOf(inPieces()), budget.openAccount(), end.signal)
    const fetched = shot.fetch('http://x.example')
    await new Promise(setImmediate)
    end.abort(new DOMException('The time is up', 'TimeoutError'))
    await expect(fetched).rejects.toThrow('The upstream call failed')
    expect(shot.failure()).toEqual({ headers: {}, networkCode: 'TIMED_OUT', requestLeft: true })
  })

  it('holds, once it was read, what was asked for, until that is released', async () => {
    const budget = createByteBudget({ limitBytes: 1_000_000 })
    const shot = shotOn(answerOf(inPieces()), budget.openAccount())
    const { asked } = (await (await shot.fetch('http://x.example')).json()) as { asked: string }
    const lifted = shot.lifted(asked)
    expect(Buffer.concat(lifted?.pieces ?? []).toString()).toBe(BASE64)
    shot.settle()
    expect(heldIn(budget)).toBe(BASE64.length)
    lifted?.release?.()
    lifted?.release?.()
    shot.lifted(asked)?.release?.()
    expect(heldIn(budget)).toBe(0)
  })

  it('holds nothing when it broke off', async () => {
    const budget = createByteBudget({ limitBytes: 1_000_000 })
    const breaking = function* () {
      yield BODY.subarray(0, 100_000)
      throw new Error('reset')
    }
    const shot = shotOn(answerOf(breaking()), budget.openAccount())
    await expect(shot.fetch('http://x.example')).rejects.toThrow('The upstream call failed')
    expect(heldIn(budget)).toBe(0)
  })

  it('of unknown length is taken for an image at first, and counted as it comes', async () => {
    const budget = createByteBudget({ limitBytes: 100_000_000 })
    const account = budget.openAccount()
    const count = await countAnswer(answerOf([], {}), new AbortController().signal, account)
    expect(account.heldBytes).toBe(4 * 1024 * 1024)
    count.add(3_000_000)
    expect(account.heldBytes).toBe(4 * 1024 * 1024)
    count.add(3_000_000)
    expect(account.heldBytes).toBe(6_000_000)
    count.keepOnly(100)
    expect(account.heldBytes).toBe(100)
  })

  it('is counted unpacked when it comes packed, however small the pack is', async () => {
    const account = createByteBudget({ limitBytes: 100_000_000 }).openAccount()
    const packed = answerOf([], { 'content-length': '1000', 'content-encoding': 'gzip' })
    const count = await countAnswer(packed, new AbortController().signal, account)
    count.add(40_000_000)
    expect(account.heldBytes).toBe(40_000_000)
  })

  it('is given up unread when it says that it is longer than any can be', async () => {
    const budget = createByteBudget({ limitBytes: 100_000_000 })
    const stream = Readable.from([])
    const headers = { 'content-length': '1000000000000' }
    const endless = { ...answerOf([], headers), body: bodyOfStream(stream) }
    const counted = countAnswer(endless, new AbortController().signal, budget.openAccount())
    await expect(counted).rejects.toThrow('Too long')
    expect([heldIn(budget), stream.destroyed]).toEqual([0, true])
  })

  it('is not counted when it is small', async () => {
    const budget = createByteBudget({ limitBytes: 100 })
    await budget.reserve(100, new AbortController().signal)
    const small = answerOf([Buffer.from('{}')], { 'content-length': '2' })
    const shot = shotOn(small, budget.openAccount())
    expect(await (await shot.fetch('http://x.example')).json()).toEqual({})
  })
})

describe('an answer', () => {
  it('is given up when it is longer than any can be', async () => {
    const count = await countAnswer(answerOf([], {}), new AbortController().signal, undefined)
    count.add(512 * 1024 * 1024)
    expect(() => count.add(1)).toThrow('Too long')
  })

  it.each([
    ['broke off', undefined],
    ['failed', new Error('reset')],
  ])('fails when it %s while it waited for room', async (_how, error) => {
    const budget = createByteBudget({ limitBytes: 500_000 })
    const other = await budget.reserve(300_000, new AbortController().signal)
    const stream = Readable.from(inPieces(), { objectMode: false })
    const answer = { ...answerOf([]), body: bodyOfStream(stream) }
    const { fetch, failure } = shotOn(answer, budget.openAccount())
    const fetching = fetch('http://provider.test').catch((thrown: unknown) => thrown)
    await nextTurn()
    stream.destroy(error)
    other.release()
    expect(await fetching).toMatchObject({ name: 'UpstreamCallError' })
    expect(failure()).toBeDefined()
    expect(heldIn(budget)).toBe(0)
  })

  it('fails when it breaks off without a word', async () => {
    const budget = createByteBudget({ limitBytes: 500_000 })
    const stream = new Readable({ read: () => undefined })
    const answer = { ...answerOf([]), body: bodyOfStream(stream) }
    const { fetch, failure } = shotOn(answer, budget.openAccount())
    const fetching = fetch('http://provider.test').catch((thrown: unknown) => thrown)
    stream.push(BODY.subarray(0, 100_000))
    await nextTurn()
    stream.destroy()
    await fetching
    expect(failure()).toMatchObject({ networkCode: 'ERR_STREAM_PREMATURE_CLOSE' })
    expect(heldIn(budget)).toBe(0)
  })
})
