import { describe, expect, it } from 'vitest'
import { GatewayError } from '#src/domain/errors.ts'
import type { KeptAnswer } from '#src/domain/image-answer.ts'
import type { RequestRecord } from '#src/domain/request-record.ts'
import type { RunOrder } from '#src/domain/run-store.ts'
import { presentRequest } from '#src/http/request-object.ts'
import { createWebhookBody } from '#src/http/webhook-body.ts'
import type { OpenKeptImages } from '#src/images/kept-images.ts'

const CREATED_MS = Date.UTC(2026, 10, 21, 12)

const order: RunOrder = {
  requestId: 'req_1',
  keyId: 'key-1',
  endpoint: '/openai/v1/images/generations',
  mode: 'text_to_image',
  modelId: 'model',
  wanted: { responseFormat: 'b64_json' },
  count: 1,
  createdAtMs: CREATED_MS,
  nonce: '0123456789',
  deadlineAtMs: CREATED_MS + 280_000,
  webhookUrl: 'https://example.com/hook',
  baseUrl: 'https://gateway.test',
  user: 'user-1',
}

const attempt = {
  provider: 'fal',
  configKey: 'fal/model',
  status: 'completed',
  durationMs: 24_000,
} as const

const answer: KeptAnswer = {
  kind: 'images',
  requestId: 'req_1',
  requestNonce: '0123456789',
  createdAtMs: CREATED_MS + 25_000,
  mode: 'text_to_image',
  modelId: 'model',
  responseFormat: 'b64_json',
  configKey: 'fal/model',
  provider: 'fal',
  attempts: [attempt],
  warnings: [],
  cost: 67_000,
  isPartial: false,
  images: [
    {
      file: 'a.png',
      format: 'png',
      size: { width: 64, height: 32 },
      sizeBytes: 10,
      revisedPrompt: 'a cat',
    },
  ],
}

const failure: KeptAnswer = {
  kind: 'error',
  code: 'ALL_PROVIDERS_EXHAUSTED',
  message: 'Nobody could.',
  status: 502,
}

const record: RequestRecord = {
  id: 'req_1',
  createdAtMs: CREATED_MS,
  nonce: '0123456789',
  endpoint: '/openai/v1/images/generations',
  mode: 'text_to_image',
  model: 'model',
  status: 'completed',
  provider: 'fal',
  attempts: [attempt],
  cost: 67_000,
  durationMs: 25_100,
  user: 'user-1',
  keyId: 'key-1',
  routing: { sort: 'price', decisions: [], excluded: [] },
}

const failedRecord: RequestRecord = {
  ...record,
  status: 'upstream_failure',
  errorCode: 'ALL_PROVIDERS_EXHAUSTED',
  errorMessage: 'Nobody could.',
}

const result = {
  id: 'req_1',
  created: (CREATED_MS + 25_000) / 1000,
  size: '64x32',
  output_format: 'png',
  data: [{ url: 'https://gateway.test/v1/media/a.png?signature=1', revised_prompt: 'a cat' }],
  metadata: {
    model: 'model',
    executed_model: 'fal/model',
    provider: 'fal',
    provider_name: 'fal.ai',
    cost: 0.067,
    cost_currency: 'USD',
    attempts: [
      { provider: 'fal', config_key: 'fal/model', status: 'completed', duration_ms: 24_000 },
    ],
    partial: false,
  },
}

const renderWith = async (
  kept: KeptAnswer,
  found: RequestRecord | undefined,
  openKeptImages?: OpenKeptImages,
) => {
  let signatures = 0
  const openUrls: OpenKeptImages = async (images, responseFormat) => {
    expect(responseFormat).toBe('url')
    signatures += 1
    return images.map(({ revisedPrompt, ...image }) => ({
      image: {
        ...image,
        content: { kind: 'hosted', path: `/v1/media/${image.file}?signature=${signatures}` },
      },
      ...(revisedPrompt !== undefined && { revisedPrompt }),
    }))
  }
  const render = createWebhookBody({
    requestLog: {
      find: async (id, keyId) => (id === 'req_1' && keyId === 'key-1' ? found : undefined),
    },
    openKeptImages: openKeptImages ?? openUrls,
    providerNames: new Map([['fal', 'fal.ai']]),
    clock: { now: () => CREATED_MS + 3_600_000 },
  })
  return { render, body: JSON.parse(await render(order, kept)) }
}

/** JSON has no absent values of its own. */
const asJson = (value: unknown) => JSON.parse(JSON.stringify(value))

describe('the body of a webhook', () => {
  it('is the request object with its result, in URLs even where base64 was asked for', async () => {
    const { body } = await renderWith(answer, record)
    expect(body).toEqual({
      type: 'image.completed',
      timestamp: '2026-11-21T12:00:25.000Z',
      data: { ...asJson(presentRequest(record)), result },
    })
  })

  it('has fresh URLs each time', async () => {
    const { render } = await renderWith(answer, record)
    expect(JSON.parse(await render(order, answer)).data.result.data[0].url).toBe(
      'https://gateway.test/v1/media/a.png?signature=2',
    )
  })

  it('tells a failure, and when it came', async () => {
    const { body } = await renderWith(failure, failedRecord)
    expect(body).toEqual({
      type: 'image.failed',
      timestamp: '2026-11-21T12:00:25.100Z',
      data: asJson(presentRequest(failedRecord)),
    })
  })

  it.each([
    ['that the log does not know', undefined],
    ['that the log thinks is pending', { ...record, status: 'pending' as const }],
    ['whose id another one took at the same time', { ...failedRecord, nonce: 'ffffffffff' }],
  ])('is made of what is kept of a request %s', async (_, found) => {
    const { body } = await renderWith(answer, found)
    const { routing: _unknown, ...known } = asJson(
      presentRequest({ ...record, durationMs: 25_000 }),
    )
    expect(body).toEqual({
      type: 'image.completed',
      timestamp: '2026-11-21T12:00:25.000Z',
      data: { ...known, result },
    })
  })

  it('says of a failure that the log does not know that it came by its deadline', async () => {
    const { body } = await renderWith(failure, undefined)
    const { provider: _nobody, ...rest } = failedRecord
    const shown = presentRequest({ ...rest, attempts: [], cost: 0, durationMs: 280_000 })
    const { routing: _unknown, ...known } = asJson(shown)
    expect(body).toEqual({
      type: 'image.failed',
      timestamp: '2026-11-21T12:04:40.000Z',
      data: known,
    })
  })

  it('has no result once the images are gone', async () => {
    const { body } = await renderWith(answer, record, async () => {
      throw new GatewayError('NOT_FOUND', 'The images are not here any more.')
    })
    expect(body).toMatchObject({ type: 'image.completed', data: { status: 'completed' } })
    expect(body.data).not.toHaveProperty('result')
  })

  it('cannot be rendered while the store of images cannot be asked', async () => {
    const broken = renderWith(answer, record, async () => {
      throw new Error('The disk is gone')
    })
    await expect(broken).rejects.toThrow('The disk is gone')
  })
})
