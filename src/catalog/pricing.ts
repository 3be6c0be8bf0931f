import type { JsonObject } from '#src/domain/json.ts'
import {
  nearestByLogRatio,
  type PixelSize,
  RESOLUTION_TIERS,
  type ResolutionTier,
  TIER_SIDE_PIXELS,
} from '#src/domain/media.ts'
import { type MicroUsd, microUsdFromUsd } from '#src/domain/money.ts'
import type { Offering, PriceRule } from '#src/domain/offering.ts'
import type { ProviderUsage } from '#src/domain/provider-adapter.ts'
import { meets } from './conditions.ts'
import { nearestSize, wishOfSize } from './pixel-sizes.ts'

/** What one provider call used, or is expected to use. */
export interface BillableWork {
  readonly images: number
  readonly resolution: ResolutionTier
  /** Pixels of each image; absent: not known, and taken for those of a square of the tier. */
  readonly pixels?: PixelSize
  /** Pixels of the input images, as far as they are known; absent: there are none. */
  readonly inputPixels?: readonly PixelSize[]
  /** Canonical parameters, for surcharges that depend on them. */
  readonly parameters: Readonly<JsonObject>
  /** Absent: not known (an estimate), or the provider counts none. */
  readonly usage?: ProviderUsage
}

const TOKENS_PER_UNIT = 1_000_000

/** As the providers' examples count: a picture of 1024x1024 is one megapixel. */
const PIXELS_PER_MEGAPIXEL = 1024 * 1024

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

const squareOf = (resolution: ResolutionTier): PixelSize => {
  const side = TIER_SIDE_PIXELS[resolution]
  return { width: side, height: side }
}

const turned = (size: string): string => size.split('x').reverse().join('x')

/**
 * The entry of the size, else of the nearest size that has one. A picture costs what it costs turned by a quarter, where
 * the list has no price of its own: lists name wide sizes, and 2160x3840 is no small picture.
 */
const atSize = (bySize: Readonly<Record<string, number>>, pixels: PixelSize): number => {
  const turnedToo = Object.fromEntries(
    Object.entries(bySize).map(([size, usd]) => [turned(size), usd]),
  )
  const known = { ...turnedToo, ...bySize }
  const size = nearestSize(wishOfSize(pixels), Object.keys(known))
  return (size === undefined ? undefined : known[size]) ?? 0
}

/** USD of one unit; a tier or size without a price of its own costs what the nearest priced one costs. */
const unitPriceUsd = (rule: PriceRule, { resolution, pixels }: BillableWork): number => {
  if (rule.usdByResolution) return atTier(rule.usdByResolution, resolution) ?? 0
  if (rule.usdBySize) return atSize(rule.usdBySize, pixels ?? squareOf(resolution))
  return rule.usd ?? 0
}

/** A megapixel that is begun counts whole. 1024x1024 counts as one, as providers take it for 1 MP. */
const megapixelsOf = ({ width, height }: PixelSize): number =>
  Math.max(1, Math.ceil((width * height) / PIXELS_PER_MEGAPIXEL))

/** Megapixels at the rule's price; the first of an image counts as much as its own price makes it. */
const pricedMegapixels = ({ usd = 0, firstUsd = usd }: PriceRule, pixels: PixelSize): number =>
  megapixelsOf(pixels) - 1 + (usd === 0 ? 1 : firstUsd / usd)

const sum = (numbers: readonly number[]): number =>
  numbers.reduce((total, number) => total + number, 0)

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
    case 'output_megapixel':
      return work.images * pricedMegapixels(rule, work.pixels ?? squareOf(work.resolution))
    case 'input_megapixel':
      return sum((work.inputPixels ?? []).map((pixels) => pricedMegapixels(rule, pixels)))
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
    .filter(({ when = {} }) => meets(when, work.parameters))
    .map((rule) => {
      const quantity = quantityOf(rule, work)
      const unitPrice = unitPriceUsd(rule, work)
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
  if (rule.metric === 'output_megapixel') return [rule.firstUsd ?? rule.usd ?? 0]
  if (rule.metric !== 'output_image') return []
  return Object.values(rule.usdByResolution ?? rule.usdBySize ?? { any: rule.usd ?? 0 })
}

/** What every call costs besides its images, in USD. */
const requestPriceUsd = ({ prices }: Offering): number =>
  sum(
    prices
      .filter(({ metric, when }) => metric === 'request' && when === undefined)
      .map(({ usd = 0 }) => usd),
  )

/** The lowest price of one image made from text over all offerings, in USD. */
export const startingPriceUsd = (offerings: readonly Offering[]): number =>
  Math.min(
    ...offerings.flatMap((offering) => {
      const images = offering.prices.flatMap(imagePricesUsd)
      return images.map((usd) => usd + requestPriceUsd(offering))
    }),
  )
