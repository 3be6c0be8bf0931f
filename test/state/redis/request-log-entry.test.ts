import { describe, expect, it } from 'vitest'
import { entryFieldsOf, entryOf, parseEntry } from '#src/state/redis/request-log-entry.ts'
import { fullRecord, sampleRecord } from '#test/state/request-log-samples.ts'

const POSITION = '0mi7t15s00123456789 key_1 req_1'
const IDENTITY = { id: 'req_1', keyId: 'key_1', createdAtMs: Number.parseInt('0mi7t15s0', 36) }

/** What versions read entries with that know no figures; the last group is the model, decoded as a URI component. */
const ENTRY_BEFORE = /^([0-9a-z]+) ([!-~]*) ([!-~]+) ([a-z_]+) (\d{1,15}) ([!-~]*)$/

const knownOf = (text: string) => {
  const { text: _text, position: _position, ...known } = parseEntry(text) ?? {}
  return known
}

describe('an entry of the index of requests', () => {
  it('tells what usage is summed up from', () => {
    const record = fullRecord('req_1', { ...IDENTITY, model: 'ü/|m' })
    const entry = entryOf(record)
    expect(entry.text).toBe(`${POSITION} completed 67000 %C3%BC%2F%7Cm|vertex|24423|123`)
    expect(knownOf(entry.text)).toEqual({
      createdAtMs: IDENTITY.createdAtMs,
      keyId: 'key_1',
      status: 'completed',
      cost: 67_000,
      model: 'ü/|m',
      provider: 'vertex',
      durationMs: 24_423,
      overheadMs: 12.3,
    })
  })

  it.each([
    ['of an earlier version', 'completed 7 a%2Fb', { status: 'completed' }],
    ['without figures', 'rejected 7 a%2Fb|||', { status: 'rejected' }],
    ['with figures that are none', 'completed 7 a%2Fb|%|-1|1e9', { status: 'completed' }],
    [
      'of a later version',
      'completed 7 a%2Fb|fal|9|8|more|yet',
      { status: 'completed', provider: 'fal', durationMs: 9, overheadMs: 0.8 },
    ],
  ])('%s is read as far as it goes', (_name, fields, known) => {
    expect(knownOf(`${POSITION} ${fields}`)).toEqual({
      createdAtMs: IDENTITY.createdAtMs,
      keyId: 'key_1',
      cost: 7,
      model: 'a/b',
      ...known,
    })
  })

  it('is still read by the earlier version, but for the model’s name', () => {
    const { text } = entryOf(fullRecord('req_1', IDENTITY))
    const [, , , , status, cost, model = ''] = ENTRY_BEFORE.exec(text) ?? []
    expect([status, cost, decodeURIComponent(model)]).toEqual([
      'completed',
      '67000',
      'google/painter|vertex|24423|123',
    ])
  })

  it('of a pending request reads the same in every version', () => {
    expect(entryFieldsOf(sampleRecord('p', { status: 'pending' }))).toBe(
      'pending 0 google%2Fpainter',
    )
  })

  it('has no number that could not be read again', () => {
    const endless = { durationMs: Number.POSITIVE_INFINITY, overheadMs: -1 }
    expect(entryFieldsOf(sampleRecord('a', endless))).toBe(
      'completed 0 google%2Fpainter||999999999999|0',
    )
  })
})
