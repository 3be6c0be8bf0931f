import { request as httpRequest } from 'node:http'
import { crc32, deflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { gatewayOfFile } from '#test/helpers/gateway-of-file.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { makePicture } from '#test/helpers/pictures.ts'
import {
  encodeForm,
  FORM_BOUNDARY,
  type FormPart,
  filePart,
  sendForm,
  textPart,
} from '#test/helpers/raw-form.ts'
import { EDITS, type JsonAnswer, TEST_KEY } from '#test/helpers/start-test-gateway.ts'

const gateway = await gatewayOfFile()
const png = await makePicture()

const form = (parts: readonly FormPart[], isChunked = false) =>
  sendForm(gateway.url + EDITS, encodeForm(parts), { isChunked })
const fields = [textPart('model', FIRST_MODEL), textPart('prompt', 'combine')]
const edit = (...images: FormPart[]) => form([...fields, ...images])

/** Inline images of the only create that Gemini received. */
const received = (): { mimeType: string; data: string }[] => {
  const creates = gateway.emulators.gemini.calls.filter(({ kind }) => kind === 'create')
  expect(creates).toHaveLength(1)
  const body = creates[0]?.body as {
    contents: { parts: { inlineData?: { mimeType: string; data: string } }[] }[]
  }
  return body.contents[0]?.parts.flatMap(({ inlineData }) => inlineData ?? []) ?? []
}

describe('a multipart edit', () => {
  it('is a 400 that names the file which is too large, and the next request is served', async () => {
    const { status, body } = await edit(filePart(png), filePart(Buffer.alloc(50_000_001)))
    expect([status, body.error]).toMatchObject([400, { param: 'image[1]' }])
    expect(body.error.message).toBe('image[1] is larger than 50000000 bytes.')
    expect(gateway.creates()).toBe(0)
    expect((await edit(filePart(png))).status).toBe(200)
  })

  it.each([['image'], ['image[]'], ['image[0]']])('takes one file named %s', async (name) => {
    expect((await edit(filePart(png, name))).status).toBe(200)
    expect(received()).toEqual([{ mimeType: 'image/png', data: png.toString('base64') }])
  })

  it('takes repeated and mixed names in order', async () => {
    const pictures = await Promise.all(
      ['#100', '#200', '#300'].map((background) => makePicture('png', { background })),
    )
    const [first, second, third] = pictures as [Buffer, Buffer, Buffer]
    expect((await edit(filePart(first), filePart(second, 'image[]'), filePart(third))).status).toBe(
      200,
    )
    expect(received().map(({ data }) => data)).toEqual(
      pictures.map((each) => each.toString('base64')),
    )
  })

  it('takes files before the text, text parts with a type of their own, and no content length', async () => {
    const parts = [filePart(png), textPart('n', '2', 'text/plain; charset=utf-8'), ...fields]
    const { status, body } = await form(parts, true)
    expect([status, body.data?.length]).toEqual([200, 2])
  })

  it('reads numbers and booleans, and passes the rest on as text', async () => {
    const parts = [
      textPart('model', `fal/${FIRST_MODEL}`),
      textPart('prompt', '42'),
      textPart('seed', '7'),
      textPart('limit_generations', 'true'),
      textPart('system_prompt', 'be brief'),
      filePart(png),
    ]
    expect((await form(parts)).status).toBe(200)
    const [create] = gateway.emulators.fal.calls.filter(({ kind }) => kind === 'create')
    expect(create?.body).toMatchObject({
      prompt: '42',
      seed: 7,
      limit_generations: true,
      system_prompt: 'be brief',
    })
  })

  it("reads objects as OpenAI's clients write them, and keeps them from the provider", async () => {
    const nested = [
      textPart('provider[only][]', 'fal'),
      textPart('provider[max_price]', '0.5'),
      textPart('extra[a][]', 'x'),
    ]
    expect((await form([...fields, ...nested, filePart(png)])).status).toBe(200)
    const [create] = gateway.emulators.fal.calls.filter(({ kind }) => kind === 'create')
    expect(create?.body).toMatchObject({ extra: { a: ['x'] } })
    expect(JSON.stringify(create?.body)).not.toContain('provider')
  })

  it('decides the type by the bytes, and converts what the provider does not take', async () => {
    const webp = await makePicture('webp')
    const gif = await makePicture('gif')
    expect((await edit(filePart(webp, 'image', 'image/png'), filePart(gif))).status).toBe(200)
    expect(received().map(({ mimeType }) => mimeType)).toEqual(['image/webp', 'image/png'])
  })
})

/** A PNG header that promises 30,000 × 30,000 pixels. */
const bomb = (): Buffer => {
  const chunk = (type: string, data: Buffer) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(data.length)
    const named = Buffer.concat([Buffer.from(type), data])
    const crc = Buffer.alloc(4)
    crc.writeUInt32BE(crc32(named))
    return Buffer.concat([length, named, crc])
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(30_000, 0)
  header.writeUInt32BE(30_000, 4)
  header.set([8, 2, 0, 0, 0], 8)
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(100))),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

const dataUri = (bytes: Buffer) => `data:image/png;base64,${bytes.toString('base64')}`
const json = (part: object) => gateway.post(EDITS, { model: FIRST_MODEL, prompt: 'p', ...part })

describe('a JSON edit', () => {
  it.each<[string, (uri: string) => object, number]>([
    ['images with image_url', (uri) => ({ images: [{ image_url: uri }, { image_url: uri }] }), 2],
    ['image as a string', (uri) => ({ image: uri }), 1],
    ['image as a list', (uri) => ({ image: [uri, uri, uri] }), 3],
    ['a top-level image_url', (uri) => ({ image_url: uri }), 1],
  ])('takes %s', async (_shape, part, count) => {
    expect((await json(part(dataUri(png)))).status).toBe(200)
    expect(received().map(({ data }) => data)).toEqual(Array(count).fill(png.toString('base64')))
  })

  it('fetches the images that it names, under the outbound rules', async () => {
    await gateway.client.images.generate({ model: `fal/${FIRST_MODEL}`, prompt: 'p' })
    const { fal } = gateway.emulators
    const hosted = fal.calls.find(({ kind }) => kind === 'file')
    expect((await json({ image_url: `${fal.url}${hosted?.path}` })).status).toBe(200)
    expect(received()).toHaveLength(1)
  })
})

describe('an edit that cannot be served sends nothing upstream', () => {
  const refused = async (
    answer: Promise<JsonAnswer>,
    param: string | null,
    message: RegExp,
    status = 400,
  ) => {
    const { status: got, body } = await answer
    expect([got, body.error?.code, body.error?.param]).toEqual([status, 'INVALID_REQUEST', param])
    expect(body.error.message).toMatch(message)
    expect(gateway.creates()).toBe(0)
  }

  it('without an image', () => refused(edit(), 'image', /image/))
  it('with fifteen images', () =>
    refused(edit(...Array.from({ length: 15 }, () => filePart(png))), 'image[14]', /at most 14/))
  it('with forty images', () =>
    refused(edit(...Array.from({ length: 40 }, () => filePart(png))), 'image[32]', /32/))
  it('with an image as text', () =>
    refused(edit(filePart(png), textPart('image[]', 'x')), 'image', /as a file/))
  it('with a field that says JSON and is not', () =>
    refused(edit(filePart(png), textPart('extra', '{', 'application/json')), null, /JSON/))
  it('with routing wishes that nothing meets', () =>
    refused(
      edit(filePart(png), textPart('provider[max_price]', '0.0001')),
      'provider.max_price',
      /costs/,
    ))
  it('with an empty file', () =>
    refused(edit(filePart(png), filePart(Buffer.alloc(0))), 'image[1]', /empty/))
  it('with a text file', () =>
    refused(edit(filePart(Buffer.from('hello'))), 'image', /PNG, JPEG, WebP, GIF/))
  it('with an AVIF', async () => {
    await refused(edit(filePart(await makePicture('avif'))), 'image', /AVIF/)
  })
  it('with a truncated image', async () => {
    const jpeg = await makePicture('jpeg', { width: 300, height: 300 })
    await refused(
      edit(filePart(png), filePart(png), filePart(jpeg.subarray(0, jpeg.length - 40))),
      'image[2]',
      /truncated|damaged/,
    )
  })
  it('with a decompression bomb', () => refused(edit(filePart(bomb())), 'image', /pixels/))
  it('with a mask that the model does not take', () =>
    refused(edit(filePart(png), filePart(png, 'mask')), 'mask', /mask/))
  it('without a prompt', () =>
    refused(form([textPart('model', FIRST_MODEL), filePart(png)]), 'prompt', /required/))
  it('without a model', () =>
    refused(form([textPart('prompt', 'p'), filePart(png)]), 'model', /required/))
  it('with a number that is none', () =>
    refused(form([...fields, textPart('n', 'two'), filePart(png)]), 'n', /integer/))
  it('with a form that ends too early', () => {
    const whole = encodeForm([...fields, filePart(png)])
    const cut = whole.subarray(0, whole.length - 40)
    return refused(sendForm(gateway.url + EDITS, cut), null, /ended|cannot be read/)
  })
  it('with a body over the limit', () => {
    const declared = new Promise<JsonAnswer>((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${TEST_KEY}`,
        'content-type': `multipart/form-data; boundary=${FORM_BOUNDARY}`,
        'content-length': 200_000_000,
      }
      const url = gateway.url + EDITS
      const sent = httpRequest(url, { method: 'POST', headers }, async (response) => {
        const chunks: Buffer[] = []
        for await (const chunk of response) chunks.push(chunk as Buffer)
        sent.destroy()
        resolve({
          status: response.statusCode ?? 0,
          headers: new Headers(),
          body: JSON.parse(Buffer.concat(chunks).toString()),
        })
      })
      sent.on('error', reject)
      sent.write(encodeForm(fields))
    })
    return refused(declared, null, /larger/, 413)
  })
  it('as JSON without images', () => refused(json({}), 'image', /at least 1/))
  it('as JSON with a data URI that is only a head', () =>
    refused(json({ image: `data:${';'.repeat(1_000_000)}` }), 'image', /form/))
  it('as JSON with anything else wrong, before an image is fetched', async () => {
    const { fal } = gateway.emulators
    await refused(json({ image_url: `${fal.url}/some/file.png`, n: 99 }), 'n', /at most/)
    await refused(
      json({ image: Array(15).fill(`${fal.url}/some/file.png`) }),
      'image[14]',
      /at most 14/,
    )
    expect(fal.calls).toEqual([])
  })
  it('as JSON with a file id', () =>
    refused(json({ images: [{ file_id: 'f' }] }), 'images[0]', /file ids/))
  it('as JSON with a mask', () =>
    refused(json({ image: dataUri(png), mask: { image_url: dataUri(png) } }), 'mask', /mask/))
  it('as JSON with a URL of this machine', () =>
    refused(json({ image: [dataUri(png), `${gateway.url}/livez`] }), 'image[1]', /./))
  it('as JSON with a URL that is no URL', () => refused(json({ image_url: 'here' }), 'image', /./))
})
