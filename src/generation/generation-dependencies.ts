import type { Catalog } from '#src/catalog/catalog.ts'
import type { ByteAccount } from '#src/domain/byte-account.ts'
import type { Clock } from '#src/domain/clock.ts'
import type { PreparedImage, WantedImages } from '#src/domain/image-result.ts'
import type { ProviderAdapter, ProviderImage } from '#src/domain/provider-adapter.ts'
import type { Tracer } from '#src/domain/tracer.ts'
import type { Routing } from '#src/routing/routing.ts'
import type { Budgets } from './budgets.ts'
import type { GenerationEvents } from './events.ts'
import type { ConvertInput } from './provider-call.ts'

/** What the preparation of one attempt's images is given besides them. */
export interface PreparationContext {
  /** Aborted when the client left or the attempt's time is up. */
  readonly signal: AbortSignal
  /** Runs what waits for a provider, so that the wait is not taken for the gateway's own work. */
  readonly measureUpstream: <T>(activity: () => Promise<T>) => Promise<T>
  /** What the request holds in memory; absent: nobody counts. */
  readonly memory?: ByteAccount
}

/** What the use case works with; made once by the composition root. */
export interface GenerationDependencies {
  readonly catalog: Catalog
  /** Configured providers by slug. */
  readonly adapters: ReadonlyMap<string, ProviderAdapter>
  readonly routing: Routing
  readonly clock: Clock
  readonly events: GenerationEvents
  /** What keys may spend; absent: no key has a budget. */
  readonly budgets?: Budgets
  /** Absent: nothing is traced. */
  readonly tracer?: Tracer
  readonly convertInput: ConvertInput
  /** Fetches, checks, converts and hosts what a provider gave. Rejects with `ProviderError`. */
  readonly prepareImages: (
    images: readonly ProviderImage[],
    wanted: WantedImages,
    context: PreparationContext,
  ) => Promise<readonly PreparedImage[]>
}
