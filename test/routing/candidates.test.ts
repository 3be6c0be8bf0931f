import { describe, expect, it } from 'vitest'
import { inPieces } from '#src/bytes/pieces.ts'
import type { UploadedImage } from '#src/domain/image-request.ts'
import { selectCandidates } from '#src/routing/candidates.ts'
import {
  ALL_PROVIDERS,
  createFirstCatalog,
  FIRST_MODEL,
  imageRequest,
} from '#test/helpers/models.ts'

const catalog = createFirstCatalog()
const select = (
  part: Parameters<typeof imageRequest>[0] = {},
  configured: ReadonlySet<string> = ALL_PROVIDERS,
) => {
  const request = imageRequest(part)
  return selectCandidates(catalog.resolve(request.requestedModel), request, configured)
}
const keys = (selection: ReturnType<typeof select>) =>
  selection.candidates.map(({ offering }) => offering.configKey)
const image = (sizeBytes: number): UploadedImage => ({
  bytes: inPieces([Buffer.alloc(sizeBytes)]),
  format: 'png',
})

describe('selecting candidates', () => {
  it('keeps the offerings that have the mode', () => {
    expect(keys(select())).toEqual([
      `gemini/${FIRST_MODEL}`,
      `vertex/${FIRST_MODEL}`,
      `fal/${FIRST_MODEL}`,
      `replicate/${FIRST_MODEL}`,
    ])
    expect(keys(select({ mode: 'image_edit', images: [image(1)] }))).toContain(
      `fal/${FIRST_MODEL}-edit`,
    )
  })

  it('says why each other is left out', () => {
    const selection = select(
      { routing: { ignore: ['vertex'] }, parameters: { prompt: 'p', thinking_level: 'high' } },
      new Set(['vertex', 'fal', 'replicate']),
    )
    expect(keys(selection)).toEqual([`fal/${FIRST_MODEL}`])
    expect(selection.excluded).toEqual([
      {
        configKey: `gemini/${FIRST_MODEL}`,
        constraint: 'configuration',
        reason: 'is not configured',
      },
      {
        configKey: `vertex/${FIRST_MODEL}`,
        constraint: 'provider.ignore',
        reason: 'is among provider.ignore',
      },
      {
        configKey: `fal/${FIRST_MODEL}-edit`,
        constraint: 'mode',
        reason: 'does not offer text_to_image',
      },
      {
        configKey: `replicate/${FIRST_MODEL}`,
        constraint: 'thinking_level',
        reason: 'does not take "thinking_level"',
      },
    ])
  })

  it.each([{ only: ['gemini'] }, { ignore: ['vertex', 'fal', 'replicate'] }])(
    'names the constraint that removed the last one, not one that was looked at before (%o)',
    (routing) => {
      expect(() => select({ routing: { ...routing, maxPrice: 0.001 } })).toThrow(
        expect.objectContaining({ options: { param: 'provider.max_price' } }),
      )
      expect(() => select({ routing: { ...routing, only: ['nobody'] } })).toThrow(
        expect.objectContaining({ options: { param: 'provider.only' } }),
      )
    },
  )

  it('restricts to the forced provider', () => {
    expect(keys(select({ requestedModel: `replicate/${FIRST_MODEL}` }))).toEqual([
      `replicate/${FIRST_MODEL}`,
    ])
    const edit = { mode: 'image_edit' as const, images: [image(1)] }
    expect(keys(select({ ...edit, requestedModel: `fal/${FIRST_MODEL}` }))).toEqual([
      `fal/${FIRST_MODEL}-edit`,
    ])
  })

  it('leaves out what cannot take images so large', () => {
    const edit = select({ mode: 'image_edit', images: [image(7_000_001)] })
    expect(keys(edit)).not.toContain(`vertex/${FIRST_MODEL}`)
    expect(keys(edit)).toContain(`gemini/${FIRST_MODEL}`)
  })

  it('leaves out what is too dear', () => {
    expect(keys(select({ routing: { maxPrice: 0.07 } }))).not.toContain(`fal/${FIRST_MODEL}`)
  })

  it('names the constraint that left nothing', () => {
    expect(() => select({ routing: { maxPrice: 0.01 } })).toThrow(
      expect.objectContaining({
        code: 'INVALID_REQUEST',
        options: { param: 'provider.max_price' },
      }),
    )
    expect(() => select({ routing: { only: ['nobody'] } })).toThrow(
      expect.objectContaining({ options: { param: 'provider.only' } }),
    )
    const google = {
      requestedModel: `replicate/${FIRST_MODEL}`,
      parameters: { prompt: 'p', sync_mode: true },
    }
    expect(() => select(google)).toThrow(
      expect.objectContaining({ status: 400, options: { param: 'sync_mode' } }),
    )
  })

  it('calls a model disabled that no configured provider offers', () => {
    expect(() => select({}, new Set())).toThrow(
      expect.objectContaining({ code: 'MODEL_DISABLED', status: 404 }),
    )
  })

  it('leaves out, when strict, what cannot do exactly as asked', () => {
    const parameters = { prompt: 'p', seed: 1, size: '1024x1024' }
    expect(keys(select({ parameters, isStrict: true }))).not.toContain(`replicate/${FIRST_MODEL}`)
    expect(() =>
      select({ parameters: { prompt: 'p', size: '1000x1000' }, isStrict: true }),
    ).toThrow(expect.objectContaining({ status: 400, options: { param: 'size' } }))
  })
})
