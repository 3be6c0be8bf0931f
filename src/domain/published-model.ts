import type { JsonObject } from './json.ts'

/** What a provider publishes of one of its models. */
export interface PublishedModel {
  /**
   * JSON Schema of the input, of draft 2020-12 and with nothing that is referred to elsewhere. Absent: the provider
   * publishes none.
   */
  readonly input?: JsonObject
  /** Why the adapter could not work with the model, one sentence each without a full stop; empty: nothing is known. */
  readonly problems: readonly string[]
}

/** Reads what a provider publishes of its models, without making pictures. */
export interface PublishedModels {
  /** `undefined`: there is no such model. Rejects only with `ProviderError`. */
  read(providerModelId: string, signal: AbortSignal): Promise<PublishedModel | undefined>
}
