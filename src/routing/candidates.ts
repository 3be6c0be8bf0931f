import type { Model, ResolvedModel } from '#src/catalog/catalog.ts'
import { type MappedParameters, mapParameters } from '#src/catalog/parameter-mapping.ts'
import { type BillableWork, priceWork } from '#src/catalog/pricing.ts'
import { GatewayError, invalidRequest } from '#src/domain/errors.ts'
import type { ImageRequest } from '#src/domain/image-request.ts'
import type { JsonObject } from '#src/domain/json.ts'
import { usdFromMicroUsd } from '#src/domain/money.ts'
import type { Offering } from '#src/domain/offering.ts'
import { cellIdOf } from '#src/domain/provider-stats.ts'
import type { ExcludedOffering } from '#src/domain/request-record.ts'
import type { RoutingOption } from './rank-options.ts'

/** An offering that can serve a request. */
export interface Candidate extends RoutingOption {
  readonly offering: Offering
  readonly mapped: MappedParameters
}

/** Why an offering cannot serve a request. */
export type Exclusion = ExcludedOffering

export interface Selection {
  /** At least one, in the catalogue's order. */
  readonly candidates: readonly Candidate[]
  readonly excluded: readonly Exclusion[]
}

type Check = (
  context: SelectionContext,
  offering: Offering,
) => Omit<Exclusion, 'configKey'> | undefined

interface SelectionContext {
  readonly request: ImageRequest
  readonly forcedProvider: string | undefined
  readonly configuredProviders: ReadonlySet<string>
}

const checkProvider: Check = ({ forcedProvider, configuredProviders }, { provider }) => {
  if (!configuredProviders.has(provider))
    return { constraint: 'configuration', reason: 'is not configured' }
  if (forcedProvider !== undefined && provider !== forcedProvider) {
    return { constraint: 'model', reason: `is not the forced provider ${forcedProvider}` }
  }
  return undefined
}

const checkMode: Check = ({ request }, { modes }) =>
  modes.includes(request.mode)
    ? undefined
    : { constraint: 'mode', reason: `does not offer ${request.mode}` }

const checkPreferences: Check = ({ request: { routing } }, { provider }) => {
  if (routing.only && !routing.only.includes(provider)) {
    return { constraint: 'provider.only', reason: 'is not among provider.only' }
  }
  if (routing.ignore?.includes(provider)) {
    return { constraint: 'provider.ignore', reason: 'is among provider.ignore' }
  }
  return undefined
}

const checkImages: Check = ({ request: { images, mask } }, { limits }) => {
  if (images.length > limits.maxInputImages) {
    return { constraint: 'image', reason: `takes at most ${limits.maxInputImages} input images` }
  }
  const sizesBytes = [...images, ...(mask ? [mask] : [])].map(({ bytes }) => bytes.sizeBytes)
  const largest = Math.max(0, ...sizesBytes)
  if (limits.maxInputImageBytes !== undefined && largest > limits.maxInputImageBytes) {
    return {
      constraint: 'image',
      reason: `takes images of at most ${limits.maxInputImageBytes} bytes`,
    }
  }
  const total = sizesBytes.reduce((sum, sizeBytes) => sum + sizeBytes, 0)
  if (limits.maxInputBytes !== undefined && total > limits.maxInputBytes) {
    return {
      constraint: 'image',
      reason: `takes images of at most ${limits.maxInputBytes} bytes together`,
    }
  }
  return undefined
}

const CHECKS: readonly Check[] = [checkProvider, checkMode, checkPreferences, checkImages]

const checkMapped = (
  { request }: SelectionContext,
  candidate: Candidate,
): Omit<Exclusion, 'configKey'> | undefined => {
  const { excludedBy, warnings } = candidate.mapped
  if (excludedBy) return { constraint: excludedBy.param, reason: excludedBy.reason }
  const [warning] = [...request.warnings, ...warnings]
  if (request.isStrict && warning) {
    return {
      constraint: warning.param ?? 'strict',
      reason: `cannot do exactly this: ${warning.message.replace(/\.$/, '')}`,
    }
  }
  const { maxPrice } = request.routing
  if (maxPrice !== undefined && usdFromMicroUsd(candidate.pricePerImage) > maxPrice) {
    const price = usdFromMicroUsd(candidate.pricePerImage)
    return { constraint: 'provider.max_price', reason: `costs ${price} USD per image` }
  }
  return undefined
}

/** Drafts are events of a stream: without one nobody could be shown any. */
const parametersToMap = ({ parameters, isStreamed }: ImageRequest): Readonly<JsonObject> => {
  if (isStreamed) return parameters
  const { partial_images: _, ...others } = parameters
  return others
}

/** What prices depend on besides the number of images. */
export const priceBasisOf = (
  { resolution, pixels }: MappedParameters,
  { parameters, images }: Pick<ImageRequest, 'parameters' | 'images'>,
): Omit<BillableWork, 'images' | 'usage'> => ({
  resolution,
  ...(pixels && { pixels }),
  inputPixels: images.flatMap(({ size }) => size ?? []),
  parameters,
})

const toCandidate = (model: Model, request: ImageRequest, offering: Offering): Candidate => {
  const mapped = mapParameters(model.mappingOf(offering), parametersToMap(request), {
    isEdit: request.mode === 'image_edit',
    hasMask: request.mask !== undefined,
    inputSize: request.images[0]?.size,
  })
  const { resolution } = mapped
  const pricePerImage = priceWork(offering, { images: 1, ...priceBasisOf(mapped, request) })
  const { configKey, provider } = offering
  const { mode } = request
  const modelId = model.card.id
  const id = cellIdOf(configKey, mode, resolution)
  return {
    offering,
    mapped,
    pricePerImage,
    shortcomings: mapped.warnings.length,
    isCancelFree: offering.cancelledWork === 'free',
    cell: { id, modelId, provider, configKey, mode, tier: resolution },
  }
}

/** In the order in which they are looked at; parameters, by their own names, come after the last of these. */
const CONSTRAINT_ORDER = ['configuration', 'model', 'mode', 'provider.only', 'provider.ignore']

/** How late a constraint is looked at: what it removed had passed all that came before. */
const placeOf = ({ constraint }: Exclusion): number => {
  if (constraint === 'provider.max_price') return Number.POSITIVE_INFINITY
  const place = CONSTRAINT_ORDER.indexOf(constraint)
  return place === -1 ? CONSTRAINT_ORDER.length : place
}

/** The error for an empty selection names what removed the last offering that the earlier constraints had left. */
const emptySelectionError = (
  { request, forcedProvider, configuredProviders }: SelectionContext,
  { card }: Model,
  excluded: readonly Exclusion[],
): GatewayError => {
  const isForcedInVain = forcedProvider !== undefined && !configuredProviders.has(forcedProvider)
  const open = excluded.filter(({ constraint }) => constraint !== 'configuration')
  if (open.length === 0 || isForcedInVain) {
    const message = isForcedInVain
      ? `Provider ${forcedProvider} of model "${card.id}" is not configured.`
      : `Model "${card.id}" is offered by no configured provider.`
    return new GatewayError('MODEL_DISABLED', message, { param: 'model' })
  }
  const last = open.reduce((left, right) => (placeOf(right) >= placeOf(left) ? right : left))
  const reasons = open.map(({ configKey, reason }) => `${configKey} ${reason}`).join('; ')
  const message = `No provider is left for model "${request.requestedModel}": ${reasons}.`
  return invalidRequest(message, last.constraint)
}

/** Offerings that can serve the request, with why each other cannot. Pure. Throws when none can. */
export const selectCandidates = (
  { model, forcedProvider }: ResolvedModel,
  request: ImageRequest,
  configuredProviders: ReadonlySet<string>,
): Selection => {
  const context: SelectionContext = { request, forcedProvider, configuredProviders }
  const candidates: Candidate[] = []
  const excluded: Exclusion[] = []
  for (const offering of model.offerings) {
    const { configKey } = offering
    const early = CHECKS.map((check) => check(context, offering)).find(
      (found) => found !== undefined,
    )
    const candidate = early ? undefined : toCandidate(model, request, offering)
    const exclusion = early ?? (candidate && checkMapped(context, candidate))
    if (exclusion) excluded.push({ configKey, ...exclusion })
    else if (candidate) candidates.push(candidate)
  }
  if (candidates.length === 0) throw emptySelectionError(context, model, excluded)
  return { candidates, excluded }
}
