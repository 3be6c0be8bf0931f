import { describe, expect, it } from 'vitest'
import { gatewayOfFile } from '#test/helpers/gateway-of-file.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { makePicture } from '#test/helpers/pictures.ts'
import { encodeForm, type FormPart, filePart, sendForm, textPart } from '#test/helpers/raw-form.ts'
import { EDITS, GENERATIONS, type JsonAnswer, TEST_KEY } from '#test/helpers/start-test-gateway.ts'

const gateway = await gatewayOfFile()
const pictures = await Promise.all(
  ['#100', '#200', '#300'].map((background) => makePicture('png', { background })),
)
const [first, second, third] = pictures as [Buffer, Buffer, Buffer]
/** One provider, so that it is known where to look. */
const GEMINI = `gemini/${FIRST_MODEL}`
const model = textPart('model', GEMINI)
const prompt = textPart('prompt', 'combine')
const named = (content: Buffer, filename: string, type?: string): FormPart => ({
  name: 'image',
  content,
  filename,
  ...(type && { type }),
})
const withoutFilename = (content: Buffer): FormPart => ({
  name: 'image',
  content,
  type: 'image/png',
})

/** Pictures of the only create. */
const received = (): string[] => {
  const creates = gateway.emulators.gemini.calls.filter(({ kind }) => kind === 'create')
  expect([creates.length, gateway.creates()]).toEqual([1, 1])
  return [...JSON.stringify(creates[0]?.body).matchAll(/"data":"([^"]+)"/g)].map(
    ([, data]) => data as string,
  )
}

const base64 = (...bytes: Buffer[]) => bytes.map((each) => each.toString('base64'))

/** Shapes of a form that clients are known to send, with the pictures that a provider has to get. */
const FORMS: readonly (readonly [string, readonly FormPart[], readonly Buffer[]])[] = [
  ['one file (node, py, curl)', [model, prompt, filePart(first)], [first]],
  ['a list of one (node, py: image[])', [model, prompt, filePart(first, 'image[]')], [first]],
  [
    'image repeated (curl)',
    [model, prompt, filePart(first), filePart(second), filePart(third)],
    [first, second, third],
  ],
  [
    'image[] repeated (litellm, Open WebUI)',
    [model, prompt, filePart(first, 'image[]'), filePart(second, 'image[]')],
    [first, second],
  ],
  [
    'numbered names',
    [model, prompt, filePart(first, 'image[0]'), filePart(second, 'image[1]')],
    [first, second],
  ],
  [
    'both names mixed',
    [model, filePart(first, 'image[]'), prompt, filePart(second), filePart(third, 'image[]')],
    [first, second, third],
  ],
  ['files first (n8n)', [filePart(first, 'image[]'), model, prompt], [first]],
  [
    'text parts with a type of their own (Open WebUI)',
    [
      textPart('model', GEMINI, 'text/plain; charset=utf-8'),
      textPart('prompt', 'größer 🖼', 'text/plain; charset=utf-8'),
      textPart('n', '1', 'text/plain; charset=utf-8'),
      named(first, 'a1b2.png', 'image/png'),
    ],
    [first],
  ],
  [
    'a filename that is a path (litellm)',
    [model, prompt, named(first, '/home/someone/my pictures/in.png', 'image/png')],
    [first],
  ],
  [
    'a filename of Windows, and one that is not ASCII',
    [model, prompt, named(first, 'C:\\bilder\\x.png'), named(second, 'bild-größe.png')],
    [first, second],
  ],
  ['the filename blob (AI SDK)', [model, prompt, named(first, 'blob', 'image/png')], [first]],
  ['an empty filename', [model, prompt, named(first, '', 'image/png')], [first]],
  ['no filename at all', [model, prompt, withoutFilename(first)], [first]],
  ['a wrong type', [model, prompt, named(first, 'in.jpg', 'text/html')], [first]],
  [
    'everything that OpenAI’s clients add',
    [
      model,
      prompt,
      textPart('n', '1'),
      textPart('size', 'auto'),
      textPart('quality', 'auto'),
      textPart('background', 'auto'),
      textPart('stream', 'false'),
      textPart('partial_images', '0'),
      textPart('user', 'u-1'),
      filePart(first),
    ],
    [first],
  ],
]

describe('a form', () => {
  it.each(FORMS)('of %s', async (_shape, parts, images) => {
    const { status, body } = await sendForm(gateway.url + EDITS, encodeForm(parts))
    expect([status, body.data?.length, body.warnings]).toEqual([200, 1, undefined])
    expect(received()).toEqual(base64(...images))
  })

  it.each([
    ['without a length (streams of node)', { isChunked: true }],
    ['that waits for leave to send its body (curl)', { headers: { expect: '100-continue' } }],
  ])('%s', async (_how, options) => {
    const body = encodeForm([
      filePart(first, 'image[]'),
      filePart(second, 'image[]'),
      model,
      prompt,
    ])
    expect((await sendForm(gateway.url + EDITS, body, options)).status).toBe(200)
    expect(received()).toEqual(base64(first, second))
  })

  it('built by the platform’s own FormData', async () => {
    const body = new FormData()
    body.append('model', GEMINI)
    body.append('prompt', 'p')
    for (const bytes of [first, second]) {
      body.append('image[]', new Blob([new Uint8Array(bytes)]), 'x')
    }
    const headers = { authorization: `Bearer ${TEST_KEY}` }
    const { status } = await fetch(gateway.url + EDITS, { method: 'POST', headers, body })
    expect(status).toBe(200)
    expect(received()).toEqual(base64(first, second))
  })
})

const uri = (bytes: Buffer, type = 'image/png') => `data:${type};base64,${bytes.toString('base64')}`
const json = (part: object): Promise<JsonAnswer> =>
  gateway.post(EDITS, { model: GEMINI, prompt: 'p', ...part })

describe('a JSON body', () => {
  it.each<[string, object, readonly Buffer[]]>([
    ['images with image_url', { images: [{ image_url: uri(first) }] }, [first]],
    ['images as texts', { images: [uri(first), uri(second)] }, [first, second]],
    ['image as a text', { image: uri(first) }, [first]],
    ['image as an object', { image: { image_url: uri(first) } }, [first]],
    ['image as a list', { image: [uri(first), { image_url: uri(second) }] }, [first, second]],
    ['image_url', { image_url: uri(first) }, [first]],
    ['images and image_url', { images: [uri(first)], image_url: uri(second) }, [first, second]],
    ['nulls beside', { image: uri(first), images: null, mask: null, n: null }, [first]],
    ['a data URI that lies about its type', { image: uri(first, 'text/plain') }, [first]],
  ])('with %s', async (_shape, part, images) => {
    expect((await json(part)).status).toBe(200)
    expect(received()).toEqual(base64(...images))
  })

  it.each<[string, object, string, RegExp]>([
    ['a file id', { images: [{ file_id: 'file-1' }] }, 'images[0]', /file ids/],
    ['a second file id', { images: [uri(first), { file_id: 'f' }] }, 'images[1]', /file ids/],
    ['a number', { image: 7 }, 'image', /https URL or a data URI/],
    ['an empty text', { image: [''] }, 'image[0]', /https URL or a data URI/],
    ['no images', { images: [] }, 'image', /at least 1/],
    ['a file of this machine', { image: 'file:///etc/passwd' }, 'image', /./],
    ['an address within', { image: 'https://169.254.169.254/latest' }, 'image', /./],
    ['a mask by file id', { image: uri(first), mask: { file_id: 'f' } }, 'mask', /file ids/],
    [
      'a mask that the model does not take',
      { image: uri(first), mask: uri(first) },
      'mask',
      /mask/,
    ],
  ])('with %s is a 400 that names it', async (_shape, part, param, message) => {
    const { status, body } = await json(part)
    expect([status, body.error?.code, body.error?.param]).toEqual([400, 'INVALID_REQUEST', param])
    expect(body.error.message).toMatch(message)
    expect(gateway.creates()).toBe(0)
  })
})

describe('the answer', () => {
  const usageOf = async (provider: string) => {
    const body = { model: `${provider}/${FIRST_MODEL}`, prompt: 'p' }
    return (await gateway.post(GENERATIONS, body)).body.usage
  }

  it.each(['gemini', 'vertex'])(
    'tells the tokens of %s whole, as strict clients want',
    async (id) => {
      expect(await usageOf(id)).toEqual({
        input_tokens: expect.any(Number),
        output_tokens: expect.any(Number),
        total_tokens: expect.any(Number),
        input_tokens_details: { image_tokens: expect.any(Number), text_tokens: expect.any(Number) },
        output_tokens_details: {
          image_tokens: expect.any(Number),
          text_tokens: expect.any(Number),
        },
      })
    },
  )

  it.each(['fal', 'replicate'])('tells none of %s, which counts none', async (id) => {
    expect(await usageOf(id)).toBeUndefined()
  })
})
