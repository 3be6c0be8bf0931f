import type { GetModelParameters, ListModelsParameters, Model } from '@google/genai'
import { asProviderError, providerError } from '#providers/lib/provider-failure.ts'
import { createSingleShot, type SingleShot } from '#providers/lib/single-shot-fetch.ts'
import type { ProviderDependencies } from '#src/domain/provider-adapter.ts'
import type { PublishedModel, PublishedModels } from '#src/domain/published-model.ts'
import { classifyGoogleError } from './classify-google-error.ts'

interface ModelPage {
  readonly page: readonly Model[]
  /** What the next page is asked for with. */
  readonly params: ListModelsParameters
}

/** The SDK's calls that tell of models, as far as its entries agree. */
export interface GoogleModelCalls {
  list(parameters: ListModelsParameters): Promise<ModelPage>
  get(parameters: GetModelParameters): Promise<Model>
}

interface ListedSurface {
  readonly providerName: string
  /** Of a client that is ready to call. */
  readonly models: GoogleModelCalls
  readonly dependencies: ProviderDependencies
}

const PAGE_SIZE = 1_000
/** A list that goes on beyond so many pages is none. */
const MOST_PAGES = 50

/**
 * Google publishes which models there are, and no schema of what they take. A model that the list leaves out is asked for
 * by itself: the list of Vertex AI is that of its Model Garden.
 */
export const createGoogleModels = (surface: ListedSurface): PublishedModels => {
  let listing: Promise<ReadonlyMap<string, Model>> | undefined
  return {
    read: async (providerModelId, signal) => {
      listing ??= listAll(surface, signal)
      const listed = (await listing).get(providerModelId)
      const model = listed ?? (await readOne(surface, providerModelId, signal))
      return model && { problems: problemsOf(model) }
    },
  }
}

const problemsOf = ({ supportedActions }: Model): PublishedModel['problems'] =>
  supportedActions === undefined || supportedActions.includes('generateContent')
    ? []
    : ['does not take generateContent']

/** `models/x` and `publishers/google/models/x` → `x`. */
const idOf = ({ name = '' }: Model): string => name.slice(name.lastIndexOf('/') + 1)

const listAll = async (
  surface: ListedSurface,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Model>> => {
  const found = new Map<string, Model>()
  let pageToken: string | undefined
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const token = pageToken === undefined ? {} : { pageToken }
    const pager = await callOnce(surface, signal, ({ fetch }) =>
      surface.models.list({ config: { pageSize: PAGE_SIZE, ...token, httpOptions: { fetch } } }),
    )
    for (const model of pager.page) found.set(idOf(model), model)
    pageToken = pager.params.config?.pageToken
    if (pageToken === undefined || pageToken === '') return found
  }
  throw providerError(surface.providerName, {
    kind: 'bad_response',
    workMayExist: false,
    reason: 'has a list of models without an end',
  })
}

const readOne = async (
  surface: ListedSurface,
  model: string,
  signal: AbortSignal,
): Promise<Model | undefined> => {
  let shot: SingleShot | undefined
  try {
    return await callOnce(surface, signal, (made) => {
      shot = made
      return surface.models.get({ model, config: { httpOptions: { fetch: made.fetch } } })
    })
  } catch (error) {
    if (shot?.failure()?.status === 404) return undefined
    throw error
  }
}

/** One SDK call that sends one request. */
const callOnce = async <T>(
  { providerName, dependencies }: ListedSurface,
  signal: AbortSignal,
  run: (shot: SingleShot) => Promise<T>,
): Promise<T> => {
  const shot = createSingleShot({ dependencies, signal })
  try {
    return await run(shot)
  } catch (error) {
    throw asProviderError(
      providerName,
      error,
      (failure) => classifyGoogleError(failure, providerName),
      shot,
    )
  }
}
