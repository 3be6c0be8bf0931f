import { createReadStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import OpenAI, { toFile } from 'openai'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { EMULATED_PROVIDERS } from '#test/emulators/emulator.ts'
import { gatewayOfFile } from '#test/helpers/gateway-of-file.ts'
import { createWholeCatalog, FIRST_MODEL } from '#test/helpers/models.ts'
import { makePicture } from '#test/helpers/pictures.ts'
import { startTestGateway, TEST_KEY } from '#test/helpers/start-test-gateway.ts'

const gateway = await gatewayOfFile()

const sizeOf = async (bytes: Buffer) => {
  const { width, height, format } = await sharp(bytes).metadata()
  return { width, height, format }
}

describe.each(EMULATED_PROVIDERS)("OpenAI's client generating through %s", (provider) => {
  const model = `${provider}/${FIRST_MODEL}`

  it('gets a url that anybody can open', async () => {
    const { data, _request_id } = await gateway.client.images.generate({
      model,
      prompt: 'a lighthouse',
    })
    const image = data?.[0]
    expect(image).toEqual({ url: expect.stringContaining(`${gateway.url}/v1/media/`) })
    expect(_request_id).toMatch(/^req_/)
    for (const headers of [{}, { authorization: `Bearer ${TEST_KEY}` }]) {
      const response = await fetch(image?.url ?? '', { headers })
      expect(response.status).toBe(200)
      const bytes = Buffer.from(await response.arrayBuffer())
      const { format, width } = await sizeOf(bytes)
      expect(response.headers.get('content-type')).toBe(`image/${format}`)
      expect(width).toBe(1024)
    }
    expect(gateway.emulators[provider].count('create')).toBe(1)
  })

  it('gets base64 and nothing else when it asks for it', async () => {
    const { data } = await gateway.client.images.generate({
      model,
      prompt: 'a lighthouse',
      response_format: 'b64_json',
      size: '1376x768' as '1024x1024',
    })
    expect(Object.keys(data?.[0] ?? {})).toEqual(['b64_json'])
    expect(await sizeOf(Buffer.from(data?.[0]?.b64_json ?? '', 'base64'))).toMatchObject({
      width: 1376,
      height: 768,
    })
  })

  it('edits one image', async () => {
    const image = await toFile(await makePicture(), 'in.png', { type: 'image/png' })
    const { data } = await gateway.client.images.edit({ model, prompt: 'make it blue', image })
    expect(data?.[0]?.url).toContain('/v1/media/')
    expect(gateway.emulators[provider].count('create')).toBe(1)
  })

  it('edits several images, read from files without a content length', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fresnel-upload-'))
    const paths = await Promise.all(
      (['png', 'jpeg', 'webp'] as const).map(async (format) => {
        const path = join(folder, `picture.${format}`)
        await writeFile(path, await makePicture(format))
        return path
      }),
    )
    const { data } = await gateway.client.images.edit({
      model,
      prompt: 'combine them',
      image: paths.map((path) => createReadStream(path)),
      response_format: 'b64_json',
    })
    expect(data?.[0]?.b64_json).toBeTypeOf('string')
    await rm(folder, { recursive: true })
  })

  it('edits fourteen images', async () => {
    const bytes = await makePicture('jpeg')
    const image = await Promise.all(
      Array.from({ length: 14 }, (_, index) => toFile(bytes, `${index}.jpg`)),
    )
    const { data } = await gateway.client.images.edit({ model, prompt: 'combine them', image })
    expect(data).toHaveLength(1)
    expect(gateway.emulators[provider].count('create')).toBe(1)
  })
})

describe("OpenAI's client", () => {
  it('lists models', async () => {
    const page = await gateway.client.models.list()
    expect(page.data.map(({ id }) => id)).toEqual(
      (await createWholeCatalog()).models.map(({ card }) => card.id),
    )
    expect(page.data.find(({ id }) => id === FIRST_MODEL)).toMatchObject({
      object: 'model',
      owned_by: 'google',
      created: expect.any(Number),
    })
  })

  it.each([FIRST_MODEL, 'gemini-3.1-flash-image', `fal/${FIRST_MODEL}-edit`])(
    'retrieves the model %s',
    async (id) => {
      expect(await gateway.client.models.retrieve(id)).toMatchObject({
        id: FIRST_MODEL,
        object: 'model',
      })
    },
  )

  it('retrieves a model with its schema', async () => {
    const model = await gateway.client.models.retrieve(FIRST_MODEL, { query: { schema: true } })
    expect(Object.keys((model as unknown as { schema: object }).schema)).toEqual([
      'text_to_image',
      'image_edit',
    ])
  })

  it('works under the base URL that ends in /v1 alone', async () => {
    const client = new OpenAI({ apiKey: TEST_KEY, baseURL: `${gateway.url}/v1/`, maxRetries: 0 })
    const { data } = await client.images.generate({ model: FIRST_MODEL, prompt: 'p' })
    expect(data).toHaveLength(1)
  })

  it('gets three images for n = 3 from providers that make one a call', async () => {
    const { data } = await gateway.client.images.generate({
      model: `gemini/${FIRST_MODEL}`,
      prompt: 'p',
      n: 3,
    })
    expect(data).toHaveLength(3)
    expect(gateway.emulators.gemini.count('create')).toBe(3)
  })

  it('gets three images for n = 3 from one call where the provider makes several', async () => {
    const { data } = await gateway.client.images.generate({
      model: `fal/${FIRST_MODEL}`,
      prompt: 'p',
      n: 3,
    })
    expect(data).toHaveLength(3)
    expect(gateway.emulators.fal.count('create')).toBe(1)
  })

  it.each(['png', 'jpeg', 'webp'] as const)(
    'gets the %s that it asks for from every provider',
    async (format) => {
      for (const provider of EMULATED_PROVIDERS) {
        const { data } = await gateway.client.images.generate({
          model: `${provider}/${FIRST_MODEL}`,
          prompt: 'p',
          output_format: format,
          response_format: 'b64_json',
        })
        const { format: got } = await sizeOf(Buffer.from(data?.[0]?.b64_json ?? '', 'base64'))
        expect([provider, got]).toEqual([provider, format])
      }
    },
  )
})

describe("OpenAI's client meeting an error", () => {
  const generate = (part: object = {}, client = gateway.client) =>
    client.images.generate({ model: FIRST_MODEL, prompt: 'p', ...part })

  it('throws BadRequestError with the field', async () => {
    await expect(generate({ n: 11 })).rejects.toMatchObject({
      constructor: OpenAI.BadRequestError,
      status: 400,
      code: 'INVALID_REQUEST',
      type: 'invalid_request_error',
      param: 'n',
      requestID: expect.stringMatching(/^req_/),
    })
  })

  it('throws AuthenticationError for an unknown key', async () => {
    const client = new OpenAI({ apiKey: 'wrong', baseURL: `${gateway.url}/openai/v1` })
    await expect(generate({}, client)).rejects.toMatchObject({
      constructor: OpenAI.AuthenticationError,
      code: 'AUTHENTICATION_FAILED',
    })
  })

  it('throws NotFoundError for an unknown model', async () => {
    await expect(generate({ model: 'gemini-3.1-flash-imag' })).rejects.toMatchObject({
      constructor: OpenAI.NotFoundError,
      code: 'MODEL_NOT_FOUND',
      param: 'model',
      message: expect.stringContaining('Did you mean "gemini-3.1-flash-image"?'),
    })
  })

  it('throws BadRequestError for a refused prompt, after one provider', async () => {
    gateway.emulators.gemini.setScenario({ always: 'refusal' })
    await expect(generate()).rejects.toMatchObject({
      constructor: OpenAI.BadRequestError,
      code: 'CONTENT_POLICY_VIOLATION',
      message: expect.stringContaining('gemini'),
    })
    expect(gateway.creates()).toBe(1)
  })

  it('throws RateLimitError with a time when every provider is rate limited', async () => {
    for (const provider of EMULATED_PROVIDERS) {
      gateway.emulators[provider].setScenario({
        always: 'rate_limited_with_hint',
        retryAfterMs: 30_000,
      })
    }
    const fresh = await startTestGateway({ environment: { ...gateway.emulators.environment } })
    const error = await generate({}, fresh.client).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ constructor: OpenAI.RateLimitError, code: 'RATE_LIMITED' })
    expect(
      Number((error as InstanceType<typeof OpenAI.RateLimitError>).headers.get('retry-after')),
    ).toBeGreaterThan(0)
    await fresh.close()
  })

  it('throws InternalServerError when every provider fails, once: retries were the gateway’s', async () => {
    for (const provider of EMULATED_PROVIDERS)
      gateway.emulators[provider].setScenario({ always: 'unavailable' })
    const client = new OpenAI({
      apiKey: TEST_KEY,
      baseURL: `${gateway.url}/openai/v1`,
      maxRetries: 2,
    })
    await expect(generate({}, client)).rejects.toMatchObject({
      constructor: OpenAI.InternalServerError,
      status: 502,
      code: 'ALL_PROVIDERS_EXHAUSTED',
    })
    expect(gateway.creates()).toBe(6)
  })

  it('is told by APIUserAbortError that it aborted itself, and the upstream job is cancelled', async () => {
    gateway.emulators.fal.setScenario({ always: 'hang' })
    const controller = new AbortController()
    const pending = gateway.client.images.generate(
      { model: `fal/${FIRST_MODEL}`, prompt: 'p' },
      { signal: controller.signal },
    )
    await expect.poll(() => gateway.emulators.fal.count('poll')).toBeGreaterThan(0)
    controller.abort()
    await expect(pending).rejects.toBeInstanceOf(OpenAI.APIUserAbortError)
    await expect.poll(() => gateway.emulators.fal.count('cancel')).toBe(1)
    await expect.poll(() => gateway.logText()).toContain('"status":"cancelled"')
  })
})
