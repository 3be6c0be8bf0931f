import type { Offering, PriceRule } from '#src/domain/offering.ts'
import { LEAST_LIVE_REQUESTS, type ShownPerformance } from '#src/domain/performance.ts'
import { code, fact, section, table } from './model-page-markdown.ts'

const METRIC_NAMES: Readonly<Record<PriceRule['metric'], string>> = {
  output_image: 'Output image',
  output_megapixel: 'Output megapixel',
  input_megapixel: 'Input megapixel',
  input_token: 'Input tokens',
  input_text_token: 'Input text tokens',
  input_image_token: 'Input image tokens',
  output_text_token: 'Output text tokens',
  output_image_token: 'Output image tokens',
  request: 'Request',
}

const UNIT_NAMES: Readonly<Record<PriceRule['unit'], string>> = {
  image: 'image',
  megapixel: 'megapixel',
  million_tokens: 'million tokens',
  request: 'request',
}

const dollars = new Intl.NumberFormat('en-US', {
  style: 'currency',
  currency: 'USD',
  minimumFractionDigits: 2,
  maximumFractionDigits: 6,
})

/** USD for people: 0.067 → `$0.067`, 3 → `$3.00`. */
export const formatUsd = (usd: number): string => dollars.format(usd)

const amounts = (
  usd: number | undefined,
  byTier: Readonly<Record<string, number>> | undefined,
): string | undefined => {
  if (byTier) {
    return Object.entries(byTier)
      .map(([tier, each]) => `${tier} ${formatUsd(each)}`)
      .join(', ')
  }
  return usd === undefined ? undefined : formatUsd(usd)
}

/** `- Output image: 1K $0.067, 2K $0.101 per image; through the batch interface 1K $0.034, 2K $0.05`. */
const priceLine = (rule: PriceRule): string => {
  const batch = amounts(rule.batchUsd, rule.batchUsdByResolution)
  const conditions = Object.entries(rule.when ?? {}).map(([name, value]) =>
    code(`${name}: ${JSON.stringify(value)}`),
  )
  const price = `${amounts(rule.usd, rule.usdByResolution ?? rule.usdBySize) ?? formatUsd(0)} per ${UNIT_NAMES[rule.unit]}`
  return [
    `- ${METRIC_NAMES[rule.metric]}: ${price}`,
    rule.firstUsd === undefined ? '' : `, the first of an image ${formatUsd(rule.firstUsd)}`,
    conditions.length > 0 ? `, with ${conditions.join(', ')}` : '',
    batch ? `; through the provider's batch interface ${batch}` : '',
  ].join('')
}

const priceSourceLine = ({ priceSource }: Offering): string => {
  const { url, checkedAt, confidence, note } = priceSource
  const secondHand = confidence === 'secondary' ? ', second-hand' : ''
  return `- Source of prices: ${url} (read ${checkedAt}${secondHand})${note ? `: ${note}` : ''}`
}

/** One section: what the provider calls the model, where it runs, what it costs. */
export const offeringLines = (
  offering: Offering,
  { name, isConfigured }: { readonly name: string; readonly isConfigured: boolean },
): readonly string[] =>
  section(`### ${name}: ${offering.configKey}`, [
    ...fact('Config key', code(offering.configKey)),
    ...fact('Provider', `${name} (${code(offering.provider)})`),
    ...fact('Provider model id', code(offering.providerModelId)),
    ...fact('Modes', offering.modes.join(', ')),
    ...fact('Regions', offering.regions.join(', ') || 'not published'),
    ...fact('Configured here', isConfigured ? 'yes' : 'no'),
    ...(offering.deprecatedAt ? fact('Deprecated since', offering.deprecatedAt) : []),
    ...(offering.shutdownAt ? fact('Shut down on', offering.shutdownAt) : []),
    ...offering.prices.map(priceLine),
    priceSourceLine(offering),
    ...(offering.notes ?? []).map((note) => `- Note: ${note}`),
  ])

const MS_PER_S = 1000

/** `340 ms`, `26.0 s`; a dash where there is none. */
const duration = (ms: number | undefined): string => {
  if (ms === undefined) return '–'
  return ms < MS_PER_S ? `${Math.round(ms)} ms` : `${(ms / MS_PER_S).toFixed(1)} s`
}

const percentage = (share: number | undefined): string =>
  share === undefined ? '–' : `${(share * 100).toFixed(1)} %`

const SOURCES: Readonly<Record<ShownPerformance['source'], string>> = {
  live: 'live',
  model_file: 'model file',
}

const performanceRow = (
  { configKey }: Offering,
  name: string,
  figures: ShownPerformance | undefined,
): readonly string[] => [
  name,
  code(configKey),
  duration(figures?.p50Ms),
  duration(figures?.p95Ms),
  duration(figures?.meanMs),
  percentage(figures?.successRate),
  String(figures?.requests ?? 0),
  duration(figures?.timeToFirstByteP50Ms),
  duration(figures?.timeToFirstByteP95Ms),
  figures ? SOURCES[figures.source] : 'none yet',
]

const PERFORMANCE_HEADER = [
  'Provider',
  'Config key',
  'p50',
  'p95',
  'Mean',
  'Success rate',
  'Requests',
  'First byte p50',
  'First byte p95',
  'Source',
]

const notesOn = (shown: readonly (ShownPerformance | undefined)[]): readonly string[] => [
  'Generation times are of requests that gave an image. The success rate leaves out rate limits and refused content.',
  ...(shown.some((figures) => figures?.source === 'model_file')
    ? [
        `Figures with the source "model file" were not measured by this gateway: fewer than ${LEAST_LIVE_REQUESTS} attempts were made there in this time, and they are the ones published with the model.`,
      ]
    : []),
]

/** How each offering did, with the source of each one's figures. */
export const performanceLines = (
  offerings: readonly Offering[],
  nameOf: (provider: string) => string,
  performance: ReadonlyMap<string, ShownPerformance>,
): readonly string[] => {
  const shown = offerings.map(({ configKey }) => performance.get(configKey))
  const rows = offerings.map((offering, index) =>
    performanceRow(offering, nameOf(offering.provider), shown[index]),
  )
  return [...notesOn(shown).flatMap((note) => [note, '']), ...table(PERFORMANCE_HEADER, rows)]
}
