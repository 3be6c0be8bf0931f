import { describe, expect, it } from 'vitest'
import {
  type FalJob,
  findingAfterCancel,
  readOutput,
  readResponse,
  readStatus,
  readSubmitted,
} from '#providers/fal/read-response.ts'
import { inlineImage } from '#test/providers/lib/adapter-fixtures.ts'

describe('readSubmitted', () => {
  it('takes the id', () => {
    expect(readSubmitted({ request_id: 'abc-1', status: 'IN_QUEUE', queue_position: 3 })).toEqual({
      requestId: 'abc-1',
      status: 'IN_QUEUE',
      hasFailed: false,
      hasRun: false,
    })
  })

  it.each([[{}], ['text'], [{ request_id: '../x' }], [{ request_id: '' }], [null]])(
    'finds %j unreadable, with work that may exist',
    (answer) => {
      expect(() => readSubmitted(answer)).toThrow(
        expect.objectContaining({
          details: expect.objectContaining({ kind: 'bad_response', workMayExist: true }),
        }),
      )
    },
  )
})

describe('readStatus', () => {
  it.each([
    [
      { status: 'IN_QUEUE', queue_position: 0 },
      { status: 'IN_QUEUE', hasFailed: false },
    ],
    [
      { status: 'IN_PROGRESS', logs: [] },
      { status: 'IN_PROGRESS', hasFailed: false },
    ],
    [
      { status: 'COMPLETED', metrics: {}, error: null },
      { status: 'COMPLETED', hasFailed: false },
    ],
    [
      { status: 'COMPLETED', metrics: { inference_time: 1.5 } },
      { status: 'COMPLETED', hasFailed: false, hasRun: true },
    ],
    [
      { status: 'COMPLETED', error: 'Runner gone', error_type: 'runner_disconnected' },
      { status: 'COMPLETED', hasFailed: true, errorType: 'runner_disconnected' },
    ],
  ])('reads %j', (answer, expected) => {
    expect(readStatus(answer, 'id')).toEqual({ requestId: 'id', hasRun: false, ...expected })
  })

  it('finds an unknown status unreadable', () => {
    expect(() => readStatus({ status: 'PAUSED' }, 'id')).toThrow('cannot be read')
  })
})

describe('findingAfterCancel', () => {
  const queued: FalJob = { requestId: 'r', status: 'IN_QUEUE', hasFailed: false, hasRun: false }
  const running: FalJob = { ...queued, status: 'IN_PROGRESS' }
  const done: FalJob = { ...queued, status: 'COMPLETED', hasRun: true }
  const failed: FalJob = { ...done, hasFailed: true, errorType: 'internal_error' }
  const cancelled: FalJob = { ...failed, errorType: 'client_cancelled' }
  const unstarted: FalJob = { ...cancelled, hasRun: false }

  it.each<[string, FalJob, boolean, FalJob, object]>([
    ['stays in the queue', queued, true, queued, { kind: 'stopped', hadBegun: false }],
    ['was cancelled unstarted', queued, true, unstarted, { kind: 'stopped', hadBegun: false }],
    [
      'was cancelled unstarted by the cancel before',
      queued,
      false,
      unstarted,
      { kind: 'stopped', hadBegun: false },
    ],
    [
      'began after it was last seen in the queue',
      queued,
      true,
      running,
      { kind: 'stopped', hadBegun: true },
    ],
    ['was cancelled while running', queued, true, cancelled, { kind: 'stopped', hadBegun: true }],
    ['was seen running before', running, true, unstarted, { kind: 'stopped', hadBegun: true }],
    [
      'is queued and yet ended, as fal says',
      queued,
      false,
      queued,
      { kind: 'stopped', hadBegun: true },
    ],
    ['is done', running, false, done, { kind: 'ended', job: done }],
    ['has failed', queued, false, failed, { kind: 'ended', job: failed }],
  ])('finds what became of a job that %s', (_name, before, isAccepted, after, expected) => {
    expect(findingAfterCancel({ before, isAccepted, after })).toEqual(expected)
  })
})

/** Nothing is long enough. */
const nothingLifted = () => undefined

describe('readResponse of fal', () => {
  it('takes every image with the type that is given, data URIs too', () => {
    const output = {
      images: [
        { url: 'https://v3.fal.media/a.png', content_type: 'image/png', width: 1 },
        { url: 'data:image/webp;base64,AA==' },
      ],
      description: 'x',
      seed: 4,
    }
    expect(readResponse(output, 'id', 'x', nothingLifted)).toEqual({
      images: [
        { kind: 'url', url: 'https://v3.fal.media/a.png', mediaType: 'image/png' },
        inlineImage('AA==', 'image/webp'),
      ],
      providerRequestId: 'id',
    })
  })

  it('takes base64 that was lifted out of the answer, with the type that is given first', () => {
    const pieces = [Buffer.from('YWJj')]
    const lifted = (text: string) => (text === 'mark' ? { pieces } : undefined)
    const image = { url: 'data:image/webp;base64,mark', content_type: 'image/png' }
    expect(readResponse({ image, prompt: 'mark' }, 'id', 'x', lifted)).toEqual({
      images: [{ kind: 'base64', pieces, mediaType: 'image/png' }],
      providerRequestId: 'id',
    })
  })

  it('takes a single image', () => {
    const image = { url: 'https://fal.media/a.png' }
    expect(readResponse({ image }, 'id', 'x', nothingLifted).images).toEqual([
      { kind: 'url', ...image },
    ])
  })

  it('tells a prompt that was rewritten', () => {
    const images = [{ url: 'https://fal.media/a.png' }]
    expect(readResponse({ images, prompt: 'longer' }, 'id', 'x', nothingLifted).revisedPrompt).toBe(
      'longer',
    )
    expect(readResponse({ images, prompt: 'x' }, 'id', 'x', nothingLifted)).not.toHaveProperty(
      'revisedPrompt',
    )
  })

  it.each([[{ images: [] }], [{}], [{ images: null }], [{ images: [{ url: '' }, 5] }]])(
    'finds no image in %j',
    (output) => {
      expect(() => readResponse(output, 'id', 'x', nothingLifted)).toThrow(
        expect.objectContaining({
          details: expect.objectContaining({ kind: 'empty_result', workMayExist: true }),
        }),
      )
    },
  )

  it('finds text unreadable', () => {
    expect(() => readOutput('<html>')).toThrow('cannot be read')
  })
})
