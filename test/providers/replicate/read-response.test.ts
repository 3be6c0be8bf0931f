import { describe, expect, it } from 'vitest'
import {
  isFinal,
  mayBeBilled,
  readPrediction,
  readResponse,
} from '#providers/replicate/read-response.ts'

const prediction = (fields: object) => readPrediction({ id: 'p1', status: 'succeeded', ...fields })

describe('readPrediction', () => {
  it.each([
    ['text'],
    [{}],
    [{ id: 'p1' }],
    [{ id: '../x', status: 'starting' }],
    [{ id: 'p1', status: 'dreaming' }],
    [null],
  ])('finds %j unreadable, with work that may exist', (answer) => {
    expect(() => readPrediction(answer)).toThrow(
      expect.objectContaining({
        details: expect.objectContaining({ kind: 'bad_response', workMayExist: true }),
      }),
    )
  })

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

describe('mayBeBilled', () => {
  it.each([
    [{ status: 'aborted' }, false],
    [{ status: 'canceled', started_at: null }, false],
    [{ status: 'canceled', started_at: '2026-11-20T10:00:00Z' }, true],
    [{ status: 'processing' }, true],
    [{ status: 'succeeded' }, true],
  ])('says of %j: %j', (fields, expected) => {
    expect(mayBeBilled(prediction(fields))).toBe(expected)
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
