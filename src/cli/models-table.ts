import { fileURLToPath } from 'node:url'
import { createCatalog, type Model } from '#src/catalog/catalog.ts'
import { readModelFiles } from '#src/catalog/model-files.ts'
import { startingPriceUsd } from '#src/catalog/pricing.ts'
import type { Mode } from '#src/domain/model-card.ts'
import type { Offering } from '#src/domain/offering.ts'

const MODELS = fileURLToPath(new URL('../catalog/models', import.meta.url))

const MODE_NAMES: Readonly<Record<Mode, string>> = { text_to_image: 'text', image_edit: 'images' }

/** `fal 0.06`; a dagger where the provider advises against all that it offers of the model. */
const providerCell = (provider: string, offerings: readonly Offering[]): string => {
  const price = Number(startingPriceUsd(offerings).toFixed(5))
  const isDeprecated = offerings.every(({ deprecatedAt }) => deprecatedAt !== undefined)
  return `${provider} ${price}${isDeprecated ? ' †' : ''}`
}

/** A dagger behind the name where the card says it of the model, without a day of any provider's. */
const rowOf = ({ card, offerings }: Model): string => {
  const byProvider = Map.groupBy(offerings, ({ provider }) => provider)
  const cells = [
    card.status === 'deprecated' ? `${card.name} †` : card.name,
    `\`${card.id}\``,
    card.modes.map((mode) => MODE_NAMES[mode]).join(', '),
    [...byProvider].map(([provider, own]) => providerCell(provider, own)).join(' · '),
  ]
  return `| ${cells.join(' | ')} |`
}

/** The README's table of the models that come with the gateway, made from their files. */
export const renderModelsTable = async (): Promise<string> => {
  const { models } = createCatalog(await readModelFiles([MODELS]))
  return [
    '| model | id | input | providers, and USD of the cheapest image |',
    '| --- | --- | --- | --- |',
    ...models.map(rowOf),
  ].join('\n')
}

if (import.meta.main) process.stdout.write(`${await renderModelsTable()}\n`)
