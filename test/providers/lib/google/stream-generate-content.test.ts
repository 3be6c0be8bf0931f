import { describe, expect, it } from 'vitest'
import { streamGenerateContent } from '#providers/lib/google/stream-generate-content.ts'
import type { ProviderImage } from '#src/domain/provider-adapter.ts'
import { inlineImage, providerErrorOf } from '#test/providers/lib/adapter-fixtures.ts'

const image = (data: string, more: object = {}) => ({
  inlineData: { mimeType: 'image/png', data },
  ...more,
})
const seen = (base64: string): ProviderImage => inlineImage(base64, 'image/png')
/** Nothing is long enough. */
const lifted = () => undefined
const chunk = (part: object, more: object = {}) => ({
  candidates: [{ index: 0, content: { parts: [part] }, ...more }],
  responseId: 'r1',
})
const FINISHED = { finishReason: 'STOP' }

/** Feeds the chunks, then fails if there is a failure. */
const stream = async (chunks: readonly unknown[], failure?: Error) => {
  const drafts: ProviderImage[] = []
  const read = async (take: (chunk: unknown) => void) => {
    for (const each of chunks) take(each)
    if (failure) throw failure
  }
  const { signal } = new AbortController()
  const onDraft = (draft: ProviderImage) => drafts.push(draft)
  const answer = streamGenerateContent(read, { providerName: 'P', signal, lifted, onDraft })
  answer.catch(() => {})
  return { answer, drafts }
}

/** As the SDK throws an error chunk. */
const errorChunk = (code: number, status: string, more: object = {}) => {
  const body = { error: { code, status, message: 'secret words', ...more } }
  const message = `got status: ${status}. ${JSON.stringify(body)}`
  return Object.assign(new Error(message), { name: 'ApiError', status: code })
}

describe('streamGenerateContent', () => {
  it('gives drafts as they come and puts the rest together', async () => {
    const { answer, drafts } = await stream([
      chunk({ text: 'thinking', thought: true }),
      chunk(image('d1', { thought: true })),
      chunk(image('d2', { thought: true })),
      chunk({ text: 'Here it is' }),
      { ...chunk(image('f')), usageMetadata: { totalTokenCount: 3 } },
      { ...chunk({ text: '' }, FINISHED), usageMetadata: { totalTokenCount: 9 } },
    ])
    expect(await answer).toEqual({
      images: [seen('f')],
      providerRequestId: 'r1',
      usage: { totalTokens: 9 },
    })
    expect(drafts).toEqual([seen('d1'), seen('d2')])
  })

  it('keeps candidates apart, and takes a draft and an image out of one chunk', async () => {
    const parts = [image('d', { thought: true }), image('f')]
    const { answer, drafts } = await stream([
      { candidates: [{ index: 1, content: { parts: [image('g')] } }] },
      { candidates: [{ content: { parts }, ...FINISHED }] },
    ])
    expect((await answer).images).toEqual([seen('g'), seen('f')])
    expect(drafts).toEqual([seen('d')])
  })

  it.each([
    [
      'a blocked prompt',
      [{ promptFeedback: { blockReason: 'SAFETY' } }],
      'content_rejected',
      false,
    ],
    ['a refusal', [chunk({}, { finishReason: 'IMAGE_SAFETY' })], 'content_rejected', true],
    ['text alone', [chunk({ text: 'no' }), chunk({}, FINISHED)], 'empty_result', true],
    ['drafts alone', [chunk(image('d', { thought: true }), FINISHED)], 'empty_result', true],
    ['drafts and no end', [chunk(image('d', { thought: true }))], 'bad_response', true],
    ['counts alone', [{ usageMetadata: {} }], 'bad_response', true],
    ['nothing', [], 'bad_response', true],
    ['what is no chunk', [null, 7, 'x'], 'bad_response', true],
  ])('says what %s means', async (_name, chunks, kind, workMayExist) => {
    const { answer } = await stream(chunks)
    expect((await providerErrorOf(answer)).details).toMatchObject({ kind, workMayExist })
  })

  it('classifies an error that comes first as an error answer, but for its status', async () => {
    const hint = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '26s' }
    const failure = errorChunk(429, 'RESOURCE_EXHAUSTED', { details: [hint] })
    const { answer } = await stream([], failure)
    expect((await providerErrorOf(answer)).details).toEqual({
      kind: 'rate_limited',
      workMayExist: false,
      publicMessage: 'P answered with status 429 (RESOURCE_EXHAUSTED)',
      retryAfterMs: 26_000,
    })
  })

  it('says of an error behind a chunk that work may exist', async () => {
    const failure = errorChunk(503, 'UNAVAILABLE')
    const { answer } = await stream([chunk({ text: 'thinking', thought: true })], failure)
    expect((await providerErrorOf(answer)).details).toMatchObject({
      kind: 'overloaded',
      workMayExist: true,
    })
  })

  it.each([errorChunk(503, 'UNAVAILABLE'), new Error('Incomplete JSON segment at the end')])(
    'uses the image that came before %s',
    async (failure) => {
      const { answer } = await stream([chunk(image('f'))], failure)
      expect(await answer).toEqual({ images: [seen('f')], providerRequestId: 'r1' })
    },
  )

  it('passes on any other failure as it is', async () => {
    const failure = new Error('reset')
    const { answer } = await stream([chunk(image('d', { thought: true }))], failure)
    await expect(answer).rejects.toBe(failure)
  })

  it('takes nothing that comes behind an abort', async () => {
    const controller = new AbortController()
    const { signal } = controller
    const drafts: ProviderImage[] = []
    const read = async (take: (chunk: unknown) => void) => {
      controller.abort(new DOMException('The time is up', 'TimeoutError'))
      take(chunk(image('d', { thought: true })))
      throw signal.reason
    }
    const onDraft = (draft: ProviderImage) => drafts.push(draft)
    const answer = streamGenerateContent(read, { providerName: 'P', signal, lifted, onDraft })
    await expect(answer).rejects.toBe(signal.reason)
    expect(drafts).toEqual([])
  })
})
