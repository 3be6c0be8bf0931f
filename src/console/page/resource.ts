import { html, nothing, type TemplateResult } from 'lit-html'
import { ApiError, getJson } from './gateway.ts'
import type { Model } from './types.ts'
import type { ViewContext } from './view.ts'

/** Something of the gateway's that a view shows. */
export interface Resource<T> {
  /** The latest that came; `undefined`: nothing has yet. */
  readonly value: T | undefined
  /** Why the latest try brought nothing; `undefined`: it did, or is under way. */
  readonly error: ApiError | undefined
  /** Asks again; another path may be given. What is shown stays until the answer is there. */
  load(path?: string): Promise<void>
}

class GatewayResource<T> implements Resource<T> {
  value: T | undefined
  error: ApiError | undefined
  readonly #context: ViewContext
  #path: string
  #turn = 0

  constructor(context: ViewContext, path: string, value: T | undefined) {
    this.#context = context
    this.#path = path
    this.value = value
  }

  async load(path = this.#path): Promise<void> {
    this.#path = path
    this.#turn += 1
    const turn = this.#turn
    try {
      const value = await getJson<T>(path, this.#context.signal)
      if (turn !== this.#turn) return
      this.value = value
      this.error = undefined
    } catch (error) {
      if (turn !== this.#turn || this.#context.signal.aborted) return
      if (!(error instanceof ApiError)) throw error
      this.error = error
    }
    this.#context.redraw()
  }
}

/** Asks the gateway at once. `value`: shown until it answers. */
export const createResource = <T>(context: ViewContext, path: string, value?: T): Resource<T> => {
  const resource = new GatewayResource<T>(context, path, value)
  void resource.load()
  return resource
}

/** All models. */
export type ModelList = { readonly data: readonly Model[] }

let knownModels: ModelList | undefined

/**
 * The models, at once those that an earlier view had: each choice in a filter begins a new view, and who types there
 * must not lose the field in the meantime.
 */
export const createModelList = (context: ViewContext): Resource<ModelList> => {
  const list = createResource<ModelList>(context, '/v1/models', knownModels)
  return {
    get value() {
      knownModels = list.value
      return list.value
    },
    get error() {
      return list.error
    },
    load: () => list.load(),
  }
}

export const showError = ({ message, code }: Pick<ApiError, 'message' | 'code'>): TemplateResult =>
  html`<p class="error" role="alert"><strong>${code}</strong> ${message}</p>`

/** Shows what there is: the value, why there is none, or that it is waited for. */
export const show = <T>(
  { value, error }: Resource<T>,
  present: (value: T) => TemplateResult,
): TemplateResult => html`
  ${error ? showError(error) : nothing}
  ${value === undefined ? (error ? nothing : html`<p class="waiting" role="status">Loading…</p>`) : present(value)}
`
