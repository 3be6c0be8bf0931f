import { describe, expect, it } from 'vitest'
import { BucketLedger } from '#src/state/redis/bucket-ledger.ts'

const CELL = 'fal/painter|text_to_image|1K'
const BUCKET = 7
const START_MS = 70_000
const SECOND_MS = 1_000

describe('the account of a bucket', () => {
  const create = () => {
    const ledger = new BucketLedger('#me', SECOND_MS)
    const send = (number: number, by: number) =>
      ledger.sent(BUCKET, number, new Map([[`${CELL}|s`, by]]))
    const read = (hash: Record<string, string>, atMs = START_MS + 5_000) =>
      ledger.read(BUCKET, hash, atMs).map(({ counts }) => counts.success)
    return { ledger, send, read }
  }
  const holding = (successes: number, part: Record<string, string> = {}) => ({
    '#': 'a:1',
    [`${CELL}|s`]: String(successes),
    ...part,
  })

  it('takes in what others added, once', () => {
    const { read } = create()
    expect([read(holding(3)), read(holding(3)), read(holding(5))]).toEqual([[3], [], [2]])
  })

  it('leaves out its own', () => {
    const { send, read } = create()
    send(1, 4)
    expect(read(holding(6, { '#me': '1' }))).toEqual([2])
    send(2, 1)
    expect(read(holding(7, { '#me': '1 2' }))).toEqual([])
  })

  it('does not take a sending that was lost for one that arrived because the next one did', () => {
    const { send, read } = create()
    send(1, 4)
    send(2, 3)
    expect(read(holding(5, { '#me': '2' }))).toEqual([2])
    expect(read(holding(9, { '#me': '2 1' }))).toEqual([])
  })

  it('does not take its own for others when the answer to a sending was lost', () => {
    const { send, read } = create()
    send(1, 4)
    expect(read(holding(2))).toEqual([2])
    expect(read(holding(6, { '#me': '1' }))).toEqual([])
  })

  it('does not expect what was refused', () => {
    const { ledger, send, read } = create()
    send(1, 4)
    ledger.refused(BUCKET, 1)
    send(2, 4)
    expect(read(holding(5, { '#me': '2' }))).toEqual([1])
  })

  it('begins anew when Redis does', () => {
    const { send, read } = create()
    send(1, 4)
    expect(read(holding(10, { '#me': '1' }))).toEqual([6])
    send(2, 3)
    expect(read(holding(5, { '#': 'b:1', '#me': '2' }))).toEqual([2])
  })

  it('takes nothing from a hash that lost counts', () => {
    const { read } = create()
    expect([read(holding(10)), read(holding(4)), read(holding(11))]).toEqual([[10], [], [1]])
  })

  it('ignores fields that it does not know', () => {
    const { read } = create()
    expect(read({ [`${CELL}|z`]: '3', nonsense: '1', [`${CELL}|f`]: 'text' })).toEqual([])
  })

  it('leaves out numbers that it cannot read', () => {
    const { read } = create()
    const texts = ['NaN', '1e999', 'Infinity', '-3', '1.5', '', ' 4', '0x10', '9007199254740993']
    for (const text of texts) expect(read({ [`${CELL}|s`]: text }), text).toEqual([])
  })

  it('takes new counts as of the middle of the time that they can be from', () => {
    const { ledger } = create()
    const at = (successes: number, nowMs: number) =>
      ledger.read(BUCKET, holding(successes), nowMs).map(({ atMs }) => atMs - START_MS)
    expect(at(1, START_MS + 4_000)).toEqual([2_000])
    expect(at(2, START_MS + 5_000)).toEqual([4_000])
    expect(at(3, START_MS + 60_000)).toEqual([7_000])
    expect(at(4, START_MS + 90_000)).toEqual([10_000])
  })

  it('is forgotten after its time', () => {
    const { ledger, read } = create()
    read(holding(1))
    ledger.dropBefore(START_MS + 9_999)
    expect(ledger.size).toBe(1)
    ledger.dropBefore(START_MS + 10_000)
    expect(ledger.size).toBe(0)
  })
})
