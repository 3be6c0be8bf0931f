import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toFile } from 'openai'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { readFirstModelFile } from '#test/helpers/models.ts'
import { makePicture } from '#test/helpers/pictures.ts'
import { encodeForm, type FormPart, filePart, sendForm, textPart } from '#test/helpers/raw-form.ts'
import {
  EDITS,
  GENERATIONS,
  type JsonAnswer,
  resetEmulators,
  startTestGateway,
} from '#test/helpers/start-test-gateway.ts'

const MODEL = 'inpainting-model'

/** A model whose masks go to fal and Replicate, each under its own name, and which Google cannot be given. */
const maskedModel = () => {
  const file = readFirstModelFile()
  file.card = { ...file.card, id: MODEL, aliases: [] }
  file.card.parameters['mask'] = {
    type: 'file',
    group: 'media_input',
    modes: ['image_edit'],
    description: 'Where to work: transparent there.',
  }
  const rules = {
    gemini: { unsupported: 'exclude' },
    vertex: { unsupported: 'exclude' },
    fal: { to: 'mask_url' },
    replicate: { to: 'mask' },
  } as const
  for (const [name, rule] of Object.entries(rules)) {
    const mapping = file.mappings[name]
    if (mapping) mapping.rules['mask'] = rule
  }
  for (const offering of file.offerings) {
    offering.configKey = offering.configKey.replace(/\/.*?(-edit)?$/, `/${MODEL}$1`)
  }
  return file
}

const folder = await mkdtemp(join(tmpdir(), 'fresnel-masks-'))
await writeFile(join(folder, 'masked.json'), JSON.stringify(maskedModel()))
const gateway = await startTestGateway({ environment: { MODELS_DIR: folder } })
afterAll(async () => {
  await gateway.close()
  await rm(folder, { recursive: true })
})
beforeEach(() => resetEmulators(gateway))

const image = await makePicture('jpeg')
const mask = await makePicture('png', { background: '#fff' })
const uri = (bytes: Buffer) => `data:image/png;base64,${bytes.toString('base64')}`

const createOf = (provider: 'fal' | 'replicate') =>
  gateway.emulators[provider].calls.find(({ kind }) => kind === 'create')?.body
const fields = [textPart('model', MODEL), textPart('prompt', 'p')]
const edit = (...parts: FormPart[]) =>
  sendForm(gateway.url + EDITS, encodeForm([...fields, ...parts]))

const refused = async (answer: Promise<JsonAnswer>, param: string, message: RegExp) => {
  const { status, body } = await answer
  expect([status, body.error?.code, body.error?.param]).toEqual([400, 'INVALID_REQUEST', param])
  expect(body.error.message).toMatch(message)
  expect(gateway.creates()).toBe(0)
}

describe('a mask', () => {
  it('goes only to offerings that take one, under their own names', async () => {
    expect((await edit(filePart(mask, 'mask'), filePart(image))).status).toBe(200)
    expect(
      gateway.emulators.gemini.count('create') + gateway.emulators.vertex.count('create'),
    ).toBe(0)
    const sent = createOf('replicate') ?? createOf('fal')
    expect(JSON.stringify(sent)).toContain(uri(mask))
  })

  it('is sent to fal beside the images', async () => {
    const { status } = await edit(
      filePart(image),
      filePart(mask, 'mask'),
      textPart('provider', '{"only":["fal"]}'),
    )
    expect(status).toBe(200)
    expect(createOf('fal')).toEqual({
      prompt: 'p',
      num_images: 1,
      image_urls: [`data:image/jpeg;base64,${image.toString('base64')}`],
      mask_url: uri(mask),
    })
  })

  it.each([
    ['a text', uri(mask)],
    ['an object', { image_url: uri(mask) }],
  ])('may be %s in JSON', async (_shape, value) => {
    const body = { model: `replicate/${MODEL}`, prompt: 'p', image: uri(image), mask: value }
    expect((await gateway.post(EDITS, body)).status).toBe(200)
    expect(createOf('replicate')).toMatchObject({ input: { mask: uri(mask) } })
  })

  it('may come from OpenAI’s own client', async () => {
    const { data } = await gateway.client.images.edit({
      model: `fal/${MODEL}`,
      prompt: 'p',
      image: await toFile(image, 'in.jpg'),
      mask: await toFile(mask, 'mask.png'),
    })
    expect(data).toHaveLength(1)
    expect(createOf('fal')).toMatchObject({ mask_url: uri(mask) })
  })

  it('is needed by no edit', async () => {
    const { status } = await edit(filePart(image), textPart('provider[only][]', 'gemini'))
    expect(status).toBe(200)
    expect(gateway.emulators.gemini.count('create')).toBe(1)
  })

  it('is in the schema of edits, with who takes it', async () => {
    const { body } = await gateway.get(`/v1/models/${MODEL}?schema=true`)
    expect(body.schema.image_edit.properties.mask).toEqual({
      type: 'string',
      format: 'binary',
      'x-kind': 'file',
      description: 'Where to work: transparent there.',
      'x-group': 'media_input',
      'x-handling': { fal: 'renamed', replicate: 'native' },
      'x-providers': ['fal', 'replicate'],
    })
    expect(body.schema.image_edit.required).not.toContain('mask')
    expect(body.schema.text_to_image.properties).not.toHaveProperty('mask')
  })
})

describe('a mask that cannot be used is a 400 that names it', () => {
  it('when only providers without masks are left', () =>
    refused(
      edit(filePart(image), filePart(mask, 'mask'), textPart('provider[only][]', 'gemini')),
      'mask',
      /does not take "mask"/,
    ))
  it('when it is no PNG', () =>
    refused(edit(filePart(image), filePart(image, 'mask')), 'mask', /JPEG.*allowed: PNG/))
  it('when it is no picture', () =>
    refused(edit(filePart(image), filePart(Buffer.from('x'), 'mask')), 'mask', /PNG/))
  it('when it has another size than the first image', async () => {
    const small = await makePicture('png', { width: 10, height: 10 })
    const parts = [filePart(image), filePart(await makePicture(), 'image[]')]
    await refused(edit(...parts, filePart(small, 'mask')), 'mask', /10x10.*64x48/)
    const body = { model: MODEL, prompt: 'p', image: uri(image), mask: uri(small) }
    await refused(gateway.post(EDITS, body), 'mask', /10x10.*64x48/)
  })
  it('when it comes twice', () =>
    refused(
      edit(filePart(image), filePart(mask, 'mask'), filePart(mask, 'mask')),
      'mask',
      /more than once/,
    ))
  it('when it comes as text', () =>
    refused(edit(filePart(image), textPart('mask', uri(mask))), 'mask', /as a file/))
  it('when nothing is edited', () =>
    refused(
      gateway.post(GENERATIONS, { model: MODEL, prompt: 'p', mask: uri(mask) }),
      'mask',
      /mode/,
    ))
  it('when it is markup, which no model takes', () =>
    refused(edit(filePart(image), filePart(mask, 'markup')), 'markup', /markup/))
})
