import { describe, expect, it } from 'vitest'
import { gatewayOfFile } from '#test/helpers/gateway-of-file.ts'
import { readAllModelFiles } from '#test/helpers/models.ts'
import { makePicture } from '#test/helpers/pictures.ts'
import { EDITS, GENERATIONS } from '#test/helpers/start-test-gateway.ts'
import { GOLDEN_PRICES, type PricedRequest } from './golden-prices.ts'

const gateway = await gatewayOfFile()
const picture = (await makePicture('png', { width: 320, height: 200 })).toString('base64')

/** The price of a dry run, or what the gateway says instead. */
const dryRun = async (path: string, body: object): Promise<unknown> => {
  const answer = await gateway.post(`${path}?dryRun=true`, { prompt: 'a lighthouse', ...body })
  return answer.body.total_cost_micros ?? answer.body.error
}

const priceOf = (model: string, mode: 'generate' | 'edit', row: PricedRequest) => {
  const { images = 1, ...parameters } = row[0] as Record<string, number>
  if (mode === 'generate') return dryRun(GENERATIONS, { model, ...parameters })
  const pictures = Array.from({ length: images }, () => `data:image/png;base64,${picture}`)
  return dryRun(EDITS, { model, images: pictures, ...parameters })
}

const subjects = Object.entries(GOLDEN_PRICES).flatMap(([modelId, providers]) =>
  Object.entries(providers).flatMap(([provider, prices]) =>
    (['generate', 'edit'] as const).flatMap((mode) =>
      prices[mode] ? [[`${provider}/${modelId}`, mode, prices[mode]] as const] : [],
    ),
  ),
)

describe('a dry run', () => {
  it.each(subjects)('of %s to %s costs what the price list says', async (model, mode, rows) => {
    const reckoned = await Promise.all(
      rows.map(async (row) => [row[0], await priceOf(model, mode, row)]),
    )
    expect(reckoned).toEqual(rows)
  })

  it('has a price of every offering to be compared with', async () => {
    const offered = (await readAllModelFiles()).flatMap(({ card, offerings }) =>
      offerings.flatMap(({ provider, modes }) =>
        modes.map(
          (mode) => `${provider}/${card.id} ${mode === 'image_edit' ? 'edit' : 'generate'}`,
        ),
      ),
    )
    const known = subjects.map(([model, mode]) => `${model} ${mode}`)
    expect(known.sort()).toEqual([...new Set(offered)].sort())
    expect(subjects.flatMap(([, , rows]) => rows).length).toBeGreaterThan(350)
  })
})
