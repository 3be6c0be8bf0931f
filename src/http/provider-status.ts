import type { Catalog } from '#src/catalog/catalog.ts'
import type { JsonObject } from '#src/domain/json.ts'
import type { Offering } from '#src/domain/offering.ts'
import { presentInstant } from './offering-object.ts'
import type { HealthOf } from './provider-health.ts'

/** What the standing of providers is read from. */
export interface ProviderStatusSource {
  /** As it is now; another list once the models were read again. */
  readonly catalog: Pick<Catalog, 'models'>
  readonly configuredProviders: ReadonlySet<string>
  /** Provider slug → name for people; all that there are. */
  readonly providerNames: ReadonlyMap<string, string>
  readonly healthOf: HealthOf
}

interface OfferedModel {
  readonly modelId: string
  readonly offering: Offering
}

const offeredBy = ({ catalog }: ProviderStatusSource, provider: string): OfferedModel[] =>
  catalog.models.flatMap(({ card, offerings }) =>
    offerings
      .filter((offering) => offering.provider === provider)
      .map((offering) => ({ modelId: card.id, offering })),
  )

/** `off`: not configured. `degraded`: some of its offerings are not tried as usual; `down`: none is. */
const statusOf = (
  isConfigured: boolean,
  offerings: number,
  troubled: number,
): 'ok' | 'degraded' | 'down' | 'off' => {
  if (!isConfigured) return 'off'
  if (troubled === 0) return 'ok'
  return troubled < offerings ? 'degraded' : 'down'
}

const presentProvider = (
  source: ProviderStatusSource,
  provider: string,
  name: string,
): JsonObject => {
  const offered = offeredBy(source, provider)
  const modelIds = new Set(offered.map(({ modelId }) => modelId))
  // A model stands the same at all of a provider's offerings of it.
  const healthOf = new Map([...modelIds].map((id) => [id, source.healthOf(id, provider)]))
  const troubled = offered.flatMap(({ modelId, offering: { configKey } }) => {
    const health = healthOf.get(modelId)
    if (!health || health.status === 'ok') return []
    const { status, untilMs } = health
    return [{ config_key: configKey, status, until: presentInstant(untilMs) }]
  })
  const isConfigured = source.configuredProviders.has(provider)
  return {
    provider,
    provider_name: name,
    configured: isConfigured,
    models: modelIds.size,
    in_flight: [...healthOf.values()].reduce((sum, health) => sum + (health?.inFlight ?? 0), 0),
    status: statusOf(isConfigured, offered.length, troubled.length),
    offerings: troubled,
  }
}

/** Every provider that there is, and which of its offerings are not well, as this gateway sees them. */
export const presentProviderStatuses = (source: ProviderStatusSource): JsonObject[] =>
  [...source.providerNames].map(([provider, name]) => presentProvider(source, provider, name))
