import type { Mode, ModelCard } from '#src/domain/model-card.ts'
import type { ShownPerformance } from '#src/domain/performance.ts'
import type { Model } from './catalog.ts'
import { exampleLines } from './model-page-examples.ts'
import { code, codes, fact, section } from './model-page-markdown.ts'
import { formatUsd, offeringLines, performanceLines } from './model-page-offerings.ts'
import { parameterLines } from './model-page-parameters.ts'
import { startingPriceUsd } from './pricing.ts'

/** What a model's page is made of. */
export interface ModelPage {
  readonly model: Model
  /** What absolute URLs of the gateway start with, without a slash at the end. */
  readonly baseUrl: string
  /** Provider slug → name for people; a slug without one stands for itself. */
  readonly providerNames: ReadonlyMap<string, string>
  readonly configuredProviders: ReadonlySet<string>
  /** By config key; absent: nothing is known. */
  readonly performance: ReadonlyMap<string, ShownPerformance>
}

const ENDPOINTS: Readonly<Record<Mode, string>> = {
  text_to_image: 'POST /images/generations',
  image_edit: 'POST /images/edits',
}

/** Numbers for people: 1048576 → `1,048,576`. */
const formatCount = (count: number | undefined): string | undefined =>
  count?.toLocaleString('en-US')

const apiUrlOf = ({ baseUrl }: ModelPage): string => `${baseUrl}/openai/v1`

const quickReferenceLines = (page: ModelPage): readonly string[] => {
  const { card, offerings } = page.model
  const price = startingPriceUsd(offerings)
  return [
    ...fact('Model id', code(card.id)),
    ...fact('Creator', `${card.creator.name} (${code(card.creator.id)})`),
    ...fact('Status', card.status),
    ...fact('Family', code(card.family)),
    ...fact('Base URL', code(apiUrlOf(page))),
    ...card.modes.flatMap((mode) => fact(`Endpoint of ${mode}`, code(ENDPOINTS[mode]))),
    // A model that is not paid by the image has none.
    ...fact('Starting price', Number.isFinite(price) ? `${formatUsd(price)} per image` : undefined),
    ...fact('Parameter schemas', `${apiUrlOf(page)}/models/${card.id}?schema=true`),
    ...fact('API reference', `${page.baseUrl}/docs`),
    ...fact('Providers as JSON', `${page.baseUrl}/v1/models/${card.id}/providers`),
  ]
}

const specificationLines = ({ limits, ...card }: ModelCard): readonly string[] => [
  ...fact('Modes', card.modes.join(', ')),
  ...fact('Input', card.modalities.input.join(', ')),
  ...fact('Output', card.modalities.output.join(', ')),
  ...fact('Capabilities', card.capabilities.join(', ')),
  ...fact('Most input images', limits.maxInputImages),
  ...fact('Longest prompt', `${formatCount(limits.maxPromptCharacters)} characters`),
  ...fact('Context window in tokens', formatCount(limits.contextWindow)),
  ...fact('Most output tokens', formatCount(limits.maxOutputTokens)),
  ...fact('Images are answered as, unless asked otherwise', code(card.defaultResponseFormat)),
]

const identifierLines = ({ card, offerings }: Model): readonly string[] => [
  ...fact('Model id', code(card.id)),
  ...fact('Aliases', codes(card.aliases)),
  ...fact('Other names', card.alternativeNames.join(', ')),
  ...fact('One provider only', codes(offerings.map(({ configKey }) => configKey))),
]

const dateLines = ({ card, offerings }: Model): readonly string[] => {
  const daysOf = (sources: readonly { readonly checkedAt: string }[]) =>
    sources.map(({ checkedAt }) => checkedAt).sort()
  const prices = daysOf(offerings.map(({ priceSource }) => priceSource))
  return [
    ...fact('Released', card.released),
    ...fact('Facts last read', daysOf(card.sources).at(-1)),
    ...fact('Prices read', [...new Set([prices.at(0), prices.at(-1)])].join(' to ')),
  ]
}

/** A model's page as Markdown, for people and for language models. Pure: everything that changes is an argument. */
export const renderModelPage = (page: ModelPage): string => {
  const { model, providerNames, configuredProviders, performance } = page
  const { card, offerings } = model
  const nameOf = (provider: string) => providerNames.get(provider) ?? provider
  const lines = [
    ...section(`# ${card.name}`, [`> ${card.description}`]),
    ...section('## Quick reference', quickReferenceLines(page)),
    ...section('## Specifications', specificationLines(card)),
    '## Parameters',
    '',
    ...parameterLines(model, nameOf),
    ...section('## Identifiers', identifierLines(model)),
    ...section('## Dates', dateLines(model)),
    ...section('## Tags', card.tags.length > 0 ? [card.tags.join(', ')] : []),
    '## Providers',
    '',
    ...offerings.flatMap((offering) =>
      offeringLines(offering, {
        name: nameOf(offering.provider),
        isConfigured: configuredProviders.has(offering.provider),
      }),
    ),
    ...section(
      '## Live performance over the last 30 days',
      performanceLines(offerings, nameOf, performance),
    ),
    '## Code examples',
    '',
    ...exampleLines(card, apiUrlOf(page)),
  ]
  return lines.join('\n')
}
