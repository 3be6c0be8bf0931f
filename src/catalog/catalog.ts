import { GatewayError } from '#src/domain/errors.ts'
import type { ParameterMapping } from '#src/domain/mapping-rules.ts'
import type { Mode, ModelCard } from '#src/domain/model-card.ts'
import type { ModelFile } from '#src/domain/model-file.ts'
import type { Offering } from '#src/domain/offering.ts'
import { CatalogError } from './model-files.ts'
import { findNameCollisions } from './name-collisions.ts'
import { type CompiledParameters, compileParameters } from './parameter-compiler.ts'
import { createSuggestName, type SuggestName } from './suggest-name.ts'

/** A model ready to be routed over. */
export interface Model {
  readonly card: ModelCard
  /** In the file's order. */
  readonly offerings: readonly Offering[]
  readonly parameters: Readonly<Partial<Record<Mode, CompiledParameters>>>
  mappingOf(offering: Offering): ParameterMapping
}

export interface ResolvedModel {
  readonly model: Model
  /** Slug of the only provider that may serve; absent: the client forced none. */
  readonly forcedProvider?: string
}

export interface Catalog {
  /** In order of id. */
  readonly models: readonly Model[]
  /** By id, alias, `provider/model` or config key. Throws `MODEL_NOT_FOUND`. */
  resolve(requestedModel: string): ResolvedModel
  /** The same as it is now, which never changes: what a request knows from its beginning to its end. */
  readonly current: Catalog
}

const createModel = (file: ModelFile): Model => {
  const { card, mappings, offerings } = file
  return Object.freeze({
    card,
    offerings,
    parameters: compileParameters(file),
    mappingOf: (offering: Offering) => mappings[offering.mapping] as ParameterMapping,
  })
}

/** Every name of every model. */
const indexNames = (models: readonly Model[]): Map<string, Model> =>
  new Map(
    models.flatMap((model) =>
      [model.card.id, ...model.card.aliases].map((name) => [name, model] as const),
    ),
  )

const indexConfigKeys = (models: readonly Model[]): Map<string, ResolvedModel> =>
  new Map(
    models.flatMap((model) =>
      model.offerings.map(
        ({ configKey, provider }) => [configKey, { model, forcedProvider: provider }] as const,
      ),
    ),
  )

const suggestionsFrom = (
  names: ReadonlyMap<string, Model>,
  configKeys: ReadonlyMap<string, ResolvedModel>,
): SuggestName => {
  const byProvider = new Map<string, string[]>()
  for (const [name, { offerings }] of names) {
    for (const provider of new Set(offerings.map((offering) => offering.provider))) {
      byProvider.set(provider, [...(byProvider.get(provider) ?? []), name])
    }
  }
  return createSuggestName([...names.keys(), ...configKeys.keys()], byProvider)
}

const MAX_SHOWN_CHARACTERS = 128

/** Indexes the models and freezes them. Throws `CatalogError` when names collide. */
export const createCatalog = (files: readonly ModelFile[]): Catalog => {
  const problems = findNameCollisions(files.map((file) => ({ file, path: file.card.id })))
  if (problems.length > 0) throw new CatalogError(problems)
  const models = files
    .map(createModel)
    .sort((left, right) => left.card.id.localeCompare(right.card.id))
  const names = indexNames(models)
  const configKeys = indexConfigKeys(models)
  const suggestName = suggestionsFrom(names, configKeys)

  const find = (requestedModel: string): ResolvedModel | undefined => {
    const model = names.get(requestedModel)
    if (model) return { model }
    const slash = requestedModel.indexOf('/')
    const provider = requestedModel.slice(0, Math.max(0, slash))
    const forced = names.get(requestedModel.slice(slash + 1))
    if (forced?.offerings.some((offering) => offering.provider === provider)) {
      return { model: forced, forcedProvider: provider }
    }
    return configKeys.get(requestedModel)
  }

  const catalog: Catalog = Object.freeze({
    models,
    get current() {
      return catalog
    },
    resolve: (requestedModel: string) => {
      const found = find(requestedModel)
      if (found) return found
      const shown = requestedModel.slice(0, MAX_SHOWN_CHARACTERS)
      const meant = suggestName(shown)
      const hint = meant === undefined ? '' : ` Did you mean "${meant}"?`
      throw new GatewayError('MODEL_NOT_FOUND', `Model "${shown}" does not exist.${hint}`, {
        param: 'model',
      })
    },
  })
  return catalog
}
