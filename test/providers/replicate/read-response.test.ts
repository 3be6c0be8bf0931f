import { describe, expect, it } from 'vitest'
import {
  isFinal,
  readCancelled,
  readPrediction,
  readResponse,
} from '#providers/replicate/read-response.ts'

const prediction = (fields: object) => readPrediction({ id: 'p1', status: 'succeeded', ...fields })

describe('readPrediction', () => {
  it.each([['text'], [{}], [{ status: 'starting' }], [{ id: '../x', status: 'starting' }], [null]])(
    'finds %j unreadable, with work that may exist',
    (answer) => {
      expect(() => readPrediction(answer)).toThrow(
        expect.objectContaining({
          details: expect.objectContaining({ kind: 'bad_response', workMayExist: true }),
        }),
      )
    },
  )

  it.each([[{ id: 'p1' }], [{ id: 'p1', status: 'dreaming' }], [{ id: 'p1', status: 5 }]])(
    'takes %j for a prediction that has not ended',
    (answer) => {
      expect(isFinal(readPrediction(answer))).toBe(false)
    },
  )

  it.each([
    ['starting', false],
    ['processing', false],
    ['succeeded', true],
    ['failed', true],
    ['canceled', true],
    ['aborted', true],
  ])('knows whether %s is final', (status, expected) => {
    expect(isFinal(prediction({ status }))).toBe(expected)
  })
})

describe('readCancelled', () => {
  it.each([
    [{ status: 'aborted' }, false],
    [{ status: 'canceled', started_at: null }, false],
    [{ status: 'canceled', started_at: '2026-11-20T10:00:00Z' }, true],
    [{ status: 'processing' }, true],
    [{ status: 'dreaming' }, true],
  ])('says of %j whether it had begun: %j', (fields, hadBegun) => {
    expect(readCancelled(prediction(fields))).toEqual({ kind: 'stopped', hadBegun })
  })

  it.each(['succeeded', 'failed'])('finds that a prediction had %s', (status) => {
    const job = prediction({ status })
    expect(readCancelled(job)).toEqual({ kind: 'ended', job })
  })
})

describe('readResponse of Replicate', () => {
  it('takes a single URL and a list alike', () => {
    const url = 'https://replicate.delivery/a.png'
    const one = { images: [{ kind: 'url', url }], providerRequestId: 'p1' }
    expect(readResponse(prediction({ output: url }))).toEqual(one)
    expect(readResponse(prediction({ output: [url] }))).toEqual(one)
    expect(readResponse(prediction({ output: [url, url] })).images).toHaveLength(2)
  })

  it.each([[null], [[]], [''], [[null]], [{ text: 'x' }], ['no url']])(
    'finds no image in %j',
    (output) => {
      expect(() => readResponse(prediction({ output }))).toThrow(
        expect.objectContaining({
          details: expect.objectContaining({ kind: 'empty_result', workMayExist: true }),
        }),
      )
    },
  )

  it('throws what a failed prediction means', () => {
    expect(() =>
      readResponse(prediction({ status: 'failed', error: 'high demand (E003)' })),
    ).toThrow('E003')
  })
})
