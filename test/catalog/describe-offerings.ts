import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { providerModules } from '#providers/provider-modules.ts'
import { inPieces } from '#src/bytes/pieces.ts'
import { createCatalog, type Model } from '#src/catalog/catalog.ts'
import { type MappedParameters, mapParameters } from '#src/catalog/parameter-mapping.ts'
import { parseAspectRatio } from '#src/domain/media.ts'
import type { Mode } from '#src/domain/model-card.ts'
import type { ModelFile } from '#src/domain/model-file.ts'
import type { Offering } from '#src/domain/offering.ts'
import type {
  InputImage,
  ProviderAdapter,
  ProviderAnswer,
  ProviderImage,
} from '#src/domain/provider-adapter.ts'
import type { Emulators, ProviderId } from '#test/emulators/emulator.ts'
import { startEmulators } from '#test/emulators/start-emulators.ts'
import { readAllModelFiles } from '#test/helpers/models.ts'
import { makePicture } from '#test/helpers/pictures.ts'
import { providerCall, providerDependencies } from '#test/providers/lib/adapter-fixtures.ts'
import { type Order, ordersFor } from './offering-orders.ts'

const TIME_SCALE = 100
const AT_A_TIME = 8

/** One offering in one of its modes. */
interface Cell {
  readonly file: ModelFile
  readonly model: Model
  readonly offering: Offering
  readonly mode: Mode
}

const inputsFor = (
  { imageField, maskField }: MappedParameters,
  order: Order,
  bytes: Buffer,
): InputImage[] => {
  const base = { bytes: inPieces([bytes]), mediaType: 'image/png' }
  const image = imageField && { ...base, ...imageField, role: 'image' as const }
  const mask = maskField && { ...base, ...maskField, role: 'mask' as const }
  return [
    ...(image ? Array.from({ length: order.images }, () => image) : []),
    ...(order.hasMask && mask ? [mask] : []),
  ]
}

const bytesOf = async (image: ProviderImage): Promise<Buffer> => {
  if (image.kind === 'bytes') return Buffer.from(image.bytes)
  if (image.kind === 'url') return Buffer.from(await (await fetch(image.url)).arrayBuffer())
  return Buffer.from(Buffer.concat(image.pieces).toString('latin1'), 'base64')
}

const measure = async (image: ProviderImage) =>
  sharp(await bytesOf(image), { limitInputPixels: false }).metadata()

/** What is asked of the shape, where the offering says that it makes exactly that. */
const promisedRatio = ({ warnings }: MappedParameters, { parameters }: Order) => {
  const isOtherwise = warnings.some(({ param }) => param === 'aspect_ratio' || param === 'size')
  const asked = String(parameters['size'] ?? parameters['aspect_ratio'])
  return isOtherwise ? undefined : parseAspectRatio(asked)
}

const asks = ({ parameters }: Order, names: readonly string[]): boolean =>
  names.some((name) => (parameters[name] ?? 'auto') !== 'auto')

/** What is wrong with the size of an answer's first picture. */
const sizeProblem = async (
  { mode }: Cell,
  order: Order,
  mapped: MappedParameters,
  answer: ProviderAnswer,
): Promise<string | undefined> => {
  const isShaped = asks(order, ['size', 'aspect_ratio'])
  if (!isShaped && !asks(order, ['resolution']) && Object.keys(order.parameters).length > 1) return
  const { width, height } = await measure(answer.images[0] as ProviderImage)
  const { pixels } = mapped
  const isPredictable = mode === 'text_to_image' || isShaped
  if (pixels && isPredictable && (width !== pixels.width || height !== pixels.height)) {
    return `made ${width}x${height}, not ${pixels.width}x${pixels.height}`
  }
  const ratio = promisedRatio(mapped, order)
  const isAsPromised = ratio === undefined || Math.abs(Math.log(width / height / ratio)) < 0.06
  return isAsPromised ? undefined : `made ${width}x${height} without a warning`
}

/** Sends one order; gives back what is wrong with it, or that the offering does not serve such a request. */
const send = async (
  cell: Cell,
  order: Order,
  adapter: ProviderAdapter,
  picture: Buffer,
): Promise<string | undefined> => {
  const { model, offering, mode } = cell
  const { parameters, images, hasMask } = order
  const problem = model.parameters[mode]?.validate({
    model: model.card.id,
    ...parameters,
    ...(images > 0 && { image: Array(images).fill('') }),
  })
  if (problem) return `is refused by the schema: ${problem.message}`
  const mapped = mapParameters(model.mappingOf(offering), parameters, {
    isEdit: mode === 'image_edit',
    hasMask,
  })
  const { input, countField, imagesPerCall, excludedBy } = mapped
  if (excludedBy) return EXCLUDED
  const n = Math.min(Number(parameters['n'] ?? 1), imagesPerCall)
  const call = providerCall({
    providerModelId: offering.providerModelId,
    input: { ...input, ...(countField && { [countField]: n }) },
    images: inputsFor(mapped, order, picture),
    n,
    timeoutMs: 60_000,
  })
  const answer = await adapter.generate(call)
  if (answer.images.length !== n) return `made ${answer.images.length} images of ${n}`
  return sizeProblem(cell, order, mapped, answer)
}

const EXCLUDED = 'excluded'

/**
 * Sends every value of every parameter, every ratio and every tier of all offerings of these providers through their
 * adapters to the emulated providers, which check each input by their own schemas. `least`: combinations, lest some
 * are lost unseen.
 */
export const describeOfferings = async (
  providers: readonly ProviderId[],
  least: number,
): Promise<void> => {
  const files = await readAllModelFiles()
  const catalog = createCatalog(files)
  const picture = await makePicture('png', { width: 96, height: 64 })
  const tally = { sent: 0, excluded: 0 }
  const adapters = new Map<string, ProviderAdapter>()
  let emulators: Emulators

  const cells = files.flatMap((file) =>
    file.offerings
      .filter(({ provider }) => providers.some((id) => id === provider))
      .flatMap((offering) =>
        offering.modes.map((mode): [string, Mode, Cell] => {
          const { model } = catalog.resolve(file.card.id)
          return [offering.configKey, mode, { file, model, offering, mode }]
        }),
      ),
  )

  const sendAll = async (cell: Cell): Promise<string[]> => {
    const adapter = adapters.get(cell.offering.provider) as ProviderAdapter
    const waiting = ordersFor(cell.file, cell.offering, cell.mode)
    const problems: string[] = []
    const work = async (): Promise<void> => {
      for (let order = waiting.pop(); order; order = waiting.pop()) {
        const problem = await send(cell, order, adapter, picture).catch(String)
        tally[problem === EXCLUDED ? 'excluded' : 'sent'] += 1
        if (problem && problem !== EXCLUDED) problems.push(`${order.what} ${problem}`)
      }
    }
    await Promise.all(Array.from({ length: AT_A_TIME }, work))
    return problems
  }

  describe(`every offering of ${providers.join(' and ')}`, () => {
    beforeAll(async () => {
      emulators = await startEmulators({
        timeScale: TIME_SCALE,
        plainPictures: true,
        only: providers,
      })
      for (const id of providers) {
        const module = providerModules.find((each) => each.id === id)
        const settings = emulators.environment
        emulators[id].setScenario({ rejectUnknownInput: true })
        adapters.set(
          id,
          module?.create(settings, providerDependencies(TIME_SCALE)) as ProviderAdapter,
        )
      }
    })
    afterAll(() => emulators.close())

    it.each(cells)('%s serves %s as the provider takes it', async (_key, _mode, cell) => {
      expect(await sendAll(cell)).toEqual([])
    })

    it('is asked for everything that the models have', () => {
      const created = providers.reduce((sum, id) => sum + emulators[id].count('create'), 0)
      expect(created).toBe(tally.sent)
      console.info(
        `${providers.join(' and ')}: ${cells.length} offerings with their modes, ` +
          `${tally.sent} combinations made, ${tally.excluded} excluded`,
      )
      expect(tally.sent).toBeGreaterThan(least)
    })
  })
}
