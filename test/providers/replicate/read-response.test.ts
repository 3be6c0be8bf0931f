import { describe, expect, it } from 'vitest'
import {
  isFinal,
  readCancelled,
  readPrediction,
  readResponse,
} from '#providers/replicate/read-response.ts'
import { inlineImage } from '#test/providers/lib/adapter-fixtures.ts'

/** Nothing is long enough. */
const nothingLifted = () => undefined

const prediction = (fields: object) =>
  readPrediction({ id: 'p1', status: 'succeeded', ...fields }, nothingLifted)

describe('readPrediction', () => {
  it.each([['text'], [{}], [{ status: 'starting' }], [{ id: '../x', status: 'starting' }], [null]])(
    'finds %j unreadable, with work that may exist',
    (answer) => {
      expect(() => readPrediction(answer, nothingLifted)).toThrow(
        expect.objectContaining({
          details: expect.objectContaining({ kind: 'bad_response', workMayExist: true }),
        }),
      )
    },
  )

  it.each([[{ id: 'p1' }], [{ id: 'p1', status: 'dreaming' }], [{ id: 'p1', status: 5 }]])(
    'takes %j for a prediction that has not ended',
    (answer) => {
      expect(isFinal(readPrediction(answer, nothingLifted))).toBe(false)
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

  it('takes data URIs, the base64 of which may have been lifted out', () => {
    const pieces = [Buffer.from('YWJj')]
    const lifted = (text: string) => (text === 'mark' ? { pieces } : undefined)
    const output = ['data:image/webp;base64,mark', 'data:;base64,YWJj']
    const answer = { id: 'p1', status: 'succeeded', output }
    expect(readResponse(readPrediction(answer, lifted)).images).toEqual([
      { kind: 'base64', pieces, mediaType: 'image/webp' },
      inlineImage('YWJj'),
    ])
  })

  it.each([
    [null],
    [[]],
    [''],
    [[null]],
    [{ text: 'x' }],
    ['no url'],
    ['data:image/svg+xml,<svg/>'],
  ])('finds no image in %j', (output) => {
    expect(() => readResponse(prediction({ output }))).toThrow(
      expect.objectContaining({
        details: expect.objectContaining({ kind: 'empty_result', workMayExist: true }),
      }),
    )
  })

  it('throws what a failed prediction means', () => {
    expect(() =>
      readResponse(prediction({ status: 'failed', error: 'high demand (E003)' })),
    ).toThrow('E003')
  })
})
