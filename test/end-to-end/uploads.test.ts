import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { ProviderId } from '#test/emulators/emulator.ts'
import { gatewayOfFile } from '#test/helpers/gateway-of-file.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { drawNoise } from '#test/helpers/pictures.ts'
import { encodeForm, filePart, sendForm, textPart } from '#test/helpers/raw-form.ts'
import { EDITS } from '#test/helpers/start-test-gateway.ts'

/** Slower than usual: megabytes take their time on a busy machine. */
const gateway = await gatewayOfFile({ timeScale: 10 })

/** As many as the model takes, each another one and large enough to come in many pieces. */
const pictures = await Promise.all(
  Array.from({ length: 14 }, (_, index) => drawNoise(300 + index, index + 1)),
)
const hashOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
const sent = pictures.map(hashOf)
const hashesOf = (base64: readonly string[]): string[] =>
  base64.map((text) => hashOf(Buffer.from(text, 'base64')))

const send = (model: string, isChunked = false, order = '{}') => {
  const fields = [
    textPart('model', model),
    textPart('prompt', 'combine'),
    textPart('provider', order),
  ]
  const images = pictures.map((picture) => filePart(picture))
  return sendForm(gateway.url + EDITS, encodeForm([...fields, ...images]), { isChunked })
}

const createOf = (provider: ProviderId): unknown => {
  const creates = gateway.emulators[provider].calls.filter(({ kind }) => kind === 'create')
  return creates.at(-1)?.body
}

/** Hashes of the pictures that a Google surface was sent, in order. */
const receivedInline = (provider: 'gemini' | 'vertex'): string[] => {
  const body = createOf(provider) as {
    contents: { parts: { inlineData?: { data: string } }[] }[]
  }
  const parts = body.contents.flatMap((content) => content.parts)
  return hashesOf(parts.flatMap(({ inlineData }) => inlineData?.data ?? []))
}

const receivedByFal = (): string[] => {
  const { image_urls: urls } = createOf('fal') as { image_urls: string[] }
  return hashesOf(urls.map((url) => url.replace('data:image/png;base64,', '')))
}

/** Of the files that were uploaded to Replicate for the prediction, as Replicate describes them. */
const receivedByReplicate = (): Promise<string[]> => {
  const { input } = createOf('replicate') as { input: { image_input: string[] } }
  const { REPLICATE_API_TOKEN: token } = gateway.emulators.environment
  return Promise.all(
    input.image_input.map(async (url) => {
      const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
      return ((await answer.json()) as { checksums: { sha256: string } }).checksums.sha256
    }),
  )
}

describe('many pictures at once', () => {
  it.each(['gemini', 'vertex'] as const)('get to %s byte for byte', async (provider) => {
    expect((await send(`${provider}/${FIRST_MODEL}`)).status).toBe(200)
    expect(receivedInline(provider)).toEqual(sent)
  })

  it('get to fal byte for byte', async () => {
    expect((await send(`fal/${FIRST_MODEL}`, true)).status).toBe(200)
    expect(receivedByFal()).toEqual(sent)
  })

  it('get to Replicate byte for byte', async () => {
    expect((await send(`replicate/${FIRST_MODEL}`)).status).toBe(200)
    expect(await receivedByReplicate()).toEqual(sent)
  })

  it('get to the next provider after one that failed', async () => {
    gateway.emulators.gemini.setScenario({ successRate: 0 })
    const { status, body } = await send(FIRST_MODEL, false, '{"order":["gemini","fal"]}')
    expect([status, body.metadata?.provider]).toEqual([200, 'fal'])
    expect(receivedByFal()).toEqual(sent)
    expect(receivedInline('gemini')).toEqual(sent)
  })
})

describe('many pictures in a JSON', () => {
  const dataUri = (picture: Buffer) => `data:image/png;base64,${picture.toString('base64')}`
  const editOf = (images: readonly string[], more: object = {}) => ({
    model: `gemini/${FIRST_MODEL}`,
    prompt: 'combine: äöü 🖌',
    images: images.map((image_url) => ({ image_url })),
    ...more,
  })

  it('get to the provider byte for byte, and the text beside them', async () => {
    expect((await gateway.post(EDITS, editOf(pictures.map(dataUri)))).status).toBe(200)
    expect(receivedInline('gemini')).toEqual(sent)
    expect(JSON.stringify(createOf('gemini'))).toContain('combine: äöü 🖌')
  })

  it('are told from others under the same Idempotency-Key, and from nothing else', async () => {
    const [first = '', second = ''] = pictures.map(dataUri)
    const key = { 'idempotency-key': 'pictures' }
    const statusOf = async (image: string) =>
      (await gateway.post(EDITS, editOf([image]), key)).status
    expect([await statusOf(first), await statusOf(first)]).toEqual([200, 200])
    expect(gateway.creates()).toBe(1)
    expect(await statusOf(second)).toBe(400)
  })

  it('stay what they are where they are not the images', async () => {
    const [first = '', second = ''] = pictures.map(dataUri)
    const model = `fal/${FIRST_MODEL}`
    const more = { model, control: { picture: second, list: [second.slice(22), 'x'] } }
    expect((await gateway.post(EDITS, editOf([first], more))).status).toBe(200)
    expect(createOf('fal')).toMatchObject({
      image_urls: [first],
      control: { picture: second, list: [second.slice(22), 'x'] },
    })
  })
})
