import type { JsonObject } from '#src/domain/json.ts'
import {
  nearestByLogRatio,
  RESOLUTION_TIERS,
  type ResolutionTier,
  TIER_SIDE_PIXELS,
} from '#src/domain/media.ts'
import type { Offering, PriceRule } from '#src/domain/model-card.ts'
import { type MicroUsd, microUsdFromUsd } from '#src/domain/money.ts'
import type { ProviderUsage } from '#src/domain/provider-adapter.ts'

/** What one provider call used, or is expected to use. */
export interface BillableWork {
  readonly images: number
  readonly resolution: ResolutionTier
  /** Canonical parameters, for surcharges that depend on them. */
  readonly parameters: Readonly<JsonObject>
  /** Absent: not known (an estimate), or the provider counts none. */
  readonly usage?: ProviderUsage
}

const TOKENS_PER_UNIT = 1_000_000

/** The entry of the tier, else of the nearest tier that has one; `undefined`: none has. */
const atTier = (
  byTier: PriceRule['usdByResolution'],
  resolution: ResolutionTier,
): number | undefined => {
  const present = RESOLUTION_TIERS.filter((tier) => byTier?.[tier] !== undefined)
  const side = (tier: ResolutionTier) => TIER_SIDE_PIXELS[tier]
  const tier = nearestByLogRatio(side(resolution), present, side)
  return tier && byTier?.[tier]
}

/** USD of one unit; a tier without a price of its own costs what the nearest priced tier costs. */
const unitPriceUsd = (rule: PriceRule, resolution: ResolutionTier): number =>
  rule.usdByResolution ? (atTier(rule.usdByResolution, resolution) ?? 0) : (rule.usd ?? 0)

const inputTextTokens = ({ inputTokens = 0, ...usage }: ProviderUsage): number =>
  usage.inputTextTokens ?? Math.max(0, inputTokens - (usage.inputImageTokens ?? 0))

/** Output tokens that are not part of an image: text and thoughts. */
const outputTextTokens = (usage: ProviderUsage): number =>
  usage.outputTextTokens !== undefined
    ? usage.outputTextTokens + (usage.thoughtTokens ?? 0)
    : Math.max(0, (usage.outputTokens ?? 0) - (usage.outputImageTokens ?? usage.outputTokens ?? 0))

/** Counted by the provider, else what images of this tier usually have. */
const outputImageTokens = (rule: PriceRule, { usage, images, resolution }: BillableWork): number =>
  usage?.outputImageTokens ??
  (usage?.outputTokens !== undefined
    ? usage.outputTokens - outputTextTokens(usage)
    : images * (atTier(rule.tokensByResolution, resolution) ?? 0))

/** In the rule's unit. */
const quantityOf = (rule: PriceRule, work: BillableWork): number => {
  const usage = work.usage ?? {}
  switch (rule.metric) {
    case 'output_image':
      return work.images
    case 'input_token':
      return (usage.inputTokens ?? 0) / TOKENS_PER_UNIT
    case 'input_text_token':
      return inputTextTokens(usage) / TOKENS_PER_UNIT
    case 'input_image_token':
      return (usage.inputImageTokens ?? 0) / TOKENS_PER_UNIT
    case 'output_text_token':
      return outputTextTokens(usage) / TOKENS_PER_UNIT
    case 'output_image_token':
      return outputImageTokens(rule, work) / TOKENS_PER_UNIT
    case 'request':
      return 1
  }
}

const applies = (rule: PriceRule, parameters: Readonly<JsonObject>): boolean =>
  Object.entries(rule.when ?? {}).every(([name, value]) => parameters[name] === value)

/** One line of a price: a quantity at a unit price. */
export interface PriceComponent {
  readonly rule: PriceRule
  /** In the rule's unit: images, millions of tokens, requests. */
  readonly quantity: number
  readonly unitPriceUsd: number
  readonly total: MicroUsd
}

/** What a provider call costs, line by line; rules that bill nothing of this work are left out. */
export const priceComponents = (offering: Offering, work: BillableWork): PriceComponent[] =>
  offering.prices
    .filter((rule) => applies(rule, work.parameters))
    .map((rule) => {
      const quantity = quantityOf(rule, work)
      const unitPrice = unitPriceUsd(rule, work.resolution)
      return {
        rule,
        quantity,
        unitPriceUsd: unitPrice,
        total: microUsdFromUsd(unitPrice * quantity),
      }
    })
    .filter(({ quantity }) => quantity > 0)

/**
 * Price of one provider call in micro-USD. Two 1K images at 0.067 USD, 1,120 input tokens at 0.5 USD a million:
 * 2 × 67000 + 560 = 134560.
 */
export const priceWork = (offering: Offering, work: BillableWork): MicroUsd =>
  priceComponents(offering, work).reduce((sum, { total }) => sum + total, 0)

/** Prices of one image in USD, by the tiers that have one of their own. */
const imagePricesUsd = (rule: PriceRule): readonly number[] => {
  const tokens = Object.values(rule.tokensByResolution ?? {})
  if (rule.metric === 'output_image_token') {
    return tokens.map((count) => ((rule.usd ?? 0) * count) / TOKENS_PER_UNIT)
  }
  if (rule.metric !== 'output_image') return []
  return rule.usdByResolution ? Object.values(rule.usdByResolution) : [rule.usd ?? 0]
}

/** The lowest price of one image over all offerings, in USD. */
export const startingPriceUsd = (offerings: readonly Offering[]): number =>
  Math.min(...offerings.flatMap(({ prices }) => prices.flatMap(imagePricesUsd)))
