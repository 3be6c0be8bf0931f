import type { Model } from '#src/catalog/catalog.ts'
import { startingPriceUsd } from '#src/catalog/pricing.ts'
import type { JsonObject } from '#src/domain/json.ts'

/** Slugs of the configured providers that offer a model, each once, in the catalogue's order. */
export const configuredProvidersOf = (
  model: Model,
  configured: ReadonlySet<string>,
): readonly string[] => [
  ...new Set(
    model.offerings.map(({ provider }) => provider).filter((provider) => configured.has(provider)),
  ),
]

/** First day of the month of release, in Unix seconds. */
const releasedAtS = (released: string): number => Date.parse(`${released}-01T00:00:00Z`) / 1000

const presentSchema = (model: Model): JsonObject => ({
  schema: Object.fromEntries(
    Object.entries(model.parameters).map(([mode, { schema }]) => [mode, schema]),
  ),
})

/** A model as the models endpoints show it. */
export const presentModel = (
  model: Model,
  configured: ReadonlySet<string>,
  options: { withSchema: boolean; withAvailability: boolean },
): JsonObject => {
  const { card } = model
  const providers = [...configuredProvidersOf(model, configured)]
  return {
    id: card.id,
    object: 'model',
    created: releasedAtS(card.released),
    owned_by: card.creator.id,
    name: card.name,
    description: card.description,
    creator_organization: card.creator.name,
    family: card.family,
    model_status: card.status,
    released: card.released,
    aliases: card.aliases,
    alternative_names: card.alternativeNames,
    tags: card.tags,
    modality: 'image',
    modalities: card.modalities,
    capabilities: card.capabilities,
    modes: card.modes,
    limits: {
      max_input_images: card.limits.maxInputImages,
      max_prompt_characters: card.limits.maxPromptCharacters,
      ...(card.limits.contextWindow !== undefined && { context_window: card.limits.contextWindow }),
      ...(card.limits.maxOutputTokens !== undefined && {
        max_output_tokens: card.limits.maxOutputTokens,
      }),
    },
    starting_price: startingPriceUsd(model.offerings),
    currency: 'USD',
    providers,
    ...(options.withAvailability && { available: providers.length > 0 }),
    ...(options.withSchema && presentSchema(model)),
  }
}
