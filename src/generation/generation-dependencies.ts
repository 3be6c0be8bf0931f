import type { Catalog } from '#src/catalog/catalog.ts'
import type { Clock } from '#src/domain/clock.ts'
import type { PreparedImage, WantedImages } from '#src/domain/image-result.ts'
import type { ProviderAdapter, ProviderImage } from '#src/domain/provider-adapter.ts'
import type { ProviderHealth } from '#src/domain/provider-health.ts'
import type { RoutingPolicy } from '#src/routing/policy.ts'
import type { GenerationEvents } from './events.ts'
import type { ConvertInput } from './provider-call.ts'

/** What the use case works with; made once by the composition root. */
export interface GenerationDependencies {
  readonly catalog: Catalog
  /** Configured providers by slug. */
  readonly adapters: ReadonlyMap<string, ProviderAdapter>
  readonly health: ProviderHealth
  readonly policy: RoutingPolicy
  readonly clock: Clock
  readonly events: GenerationEvents
  readonly convertInput: ConvertInput
  /** Fetches, checks, converts and hosts what a provider gave. Rejects with `ProviderError`. */
  readonly prepareImages: (
    images: readonly ProviderImage[],
    wanted: WantedImages,
    signal: AbortSignal,
  ) => Promise<readonly PreparedImage[]>
}
