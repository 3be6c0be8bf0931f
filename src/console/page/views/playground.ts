import { html, nothing, type TemplateResult } from 'lit-html'
import { live } from 'lit-html/directives/live.js'
import { modeName } from '#console/formats.ts'
import { ApiError, getJson, pathOfModel } from '#console/gateway.ts'
import { codeExamples, type Language } from '#console/parts/code-examples.ts'
import {
  type Bench,
  bench,
  copyOf,
  createLane,
  type Lane,
  orderOf,
  parametersOf,
  restore,
} from '#console/playground/bench.ts'
import { estimate, startRun } from '#console/playground/generate.ts'
import { laneForm } from '#console/playground/lane-form.ts'
import { type Picture, picturesOf } from '#console/playground/picture.ts'
import { pictureInput } from '#console/playground/picture-input.ts'
import { runCard } from '#console/playground/run-card.ts'
import { schemaForm } from '#console/playground/schema-form.ts'
import {
  createModelList,
  type ModelList,
  type Resource,
  show,
  showError,
} from '#console/resource.ts'
import type { Mode, Model, ParameterSchema, RoutingNow } from '#console/types.ts'
import { repeatedly, type View, type ViewContext } from '#console/view.ts'

/** How long nothing has to change before the price is asked for. */
const QUIET_MS = 400
/** How often elapsed times are shown anew while something runs. */
const TICK_MS = 200
const MOST_LANES = 4

/** What a prompt costs is nearly nothing: the price is not asked again for each letter. */
const PRICED_PROMPT = 'A picture'

interface Playground {
  readonly context: ViewContext
  readonly models: Resource<ModelList>
  readonly table: Bench
  /** The first lane's model with its schema. */
  model: Model | undefined
  /** Why the first lane's model cannot be shown; `undefined`: it can, or is waited for. */
  modelError: ApiError | undefined
  language: Language
  timer: ReturnType<typeof setTimeout> | undefined
  estimating: AbortController
}

const lead = ({ table }: Playground): Lane | undefined => table.lanes[0]

const schemaOf = ({ model, table }: Playground): ParameterSchema | undefined =>
  model?.schema?.[table.mode]

const askPrice = async (play: Playground, lane: Lane): Promise<void> => {
  const { table, context } = play
  const order = orderOf({ ...table, prompt: PRICED_PROMPT }, lane, schemaOf(play))
  if (order.mode === 'image_edit' && order.pictures.length === 0) {
    Object.assign(lane, { estimate: undefined, problem: undefined })
    context.redraw()
    return
  }
  try {
    lane.estimate = await estimate(order, play.estimating.signal)
    lane.problem = undefined
  } catch (error) {
    if (!(error instanceof ApiError)) return
    Object.assign(lane, { estimate: undefined, problem: error.message })
  }
  context.redraw()
}

/** Asks for prices, soon. */
const changed = (play: Playground): void => {
  clearTimeout(play.timer)
  play.estimating.abort()
  play.estimating = new AbortController()
  play.timer = setTimeout(() => {
    for (const lane of play.table.lanes) void askPrice(play, lane)
  }, QUIET_MS)
  play.context.redraw()
}

const loadModel = async (play: Playground): Promise<void> => {
  const id = lead(play)?.model
  if (id === undefined) return
  // Nothing is sent with the fields of another model.
  Object.assign(play, { model: undefined, modelError: undefined })
  const path = `/v1/models/${pathOfModel(id)}?schema=true`
  const model = await getJson<Model>(path, play.context.signal).catch((error: unknown) =>
    error instanceof ApiError ? error : undefined,
  )
  if (!model || lead(play)?.model !== id) return
  if (model instanceof ApiError) {
    play.modelError = model
    play.context.redraw()
    return
  }
  play.model = model
  if (!model.modes.includes(play.table.mode)) play.table.mode = model.modes[0] ?? 'text_to_image'
  changed(play)
}

const expectedMs = async ({ model, provider }: Lane, mode: Mode): Promise<number | undefined> => {
  const path = `/v1/models/${pathOfModel(model)}/routing?mode=${mode}`
  const now = await getJson<RoutingNow>(path).catch(() => undefined)
  const candidate = now?.candidates.find((one) => provider === '' || one.provider === provider)
  return candidate && candidate.terms.success_seconds * 1_000
}

const run = (play: Playground): void => {
  const { table, context } = play
  const started = table.lanes.map((lane) => {
    const one = startRun(orderOf(table, lane, schemaOf(play)), undefined, context.redraw)
    void expectedMs(lane, table.mode).then((ms) => {
      one.expectedMs ??= ms
    })
    return one
  })
  table.runs = [...started, ...table.runs]
  context.redraw()
}

const useAsInput = (play: Playground, picture: Picture): void => {
  const { table } = play
  table.mode = 'image_edit'
  // Where no more are taken, it comes in the place of the last.
  table.pictures = [...table.pictures.slice(0, mostPictures(play) - 1), copyOf(picture)]
  changed(play)
}

/** `undefined`: the model changes no pictures. */
const useOf = (play: Playground): ((picture: Picture) => void) | undefined =>
  play.model?.modes.includes('image_edit')
    ? (picture: Picture) => useAsInput(play, picture)
    : undefined

const lanePart = (
  play: Playground,
  models: readonly Model[],
  lane: Lane,
  index: number,
): TemplateResult =>
  laneForm({
    lane,
    index,
    models,
    chooseModel: (model) => {
      Object.assign(lane, createLane(model))
      if (index === 0) void loadModel(play)
      changed(play)
    },
    chooseProvider: (provider) => {
      lane.provider = provider
      changed(play)
    },
    remove: () => {
      play.table.lanes.splice(index, 1)
      changed(play)
    },
  })

const mostPictures = ({ model }: Playground): number =>
  model?.schema?.image_edit?.properties['image']?.maxItems ?? 1

const picturesPart = (play: Playground): TemplateResult => {
  const { table, model } = play
  const schema = model?.schema?.image_edit?.properties
  const take = (change: Partial<Pick<Bench, 'pictures' | 'mask'>>): void => {
    Object.assign(table, change)
    changed(play)
  }
  return html`
    ${pictureInput({ label: 'Pictures to be changed', most: mostPictures(play), pictures: table.pictures, change: (pictures) => take({ pictures }) })}
    ${
      schema?.['mask']
        ? pictureInput({
            label: 'Mask',
            most: 1,
            pictures: table.mask ? [table.mask] : [],
            change: ([mask]) => take({ mask }),
          })
        : nothing
    }
  `
}

const promptPart = (play: Playground): TemplateResult => {
  const { table, model, context } = play
  const write = (event: Event): void => {
    table.prompt = (event.currentTarget as HTMLTextAreaElement).value
    context.redraw()
  }
  const chooseMode = (mode: Mode): void => {
    table.mode = mode
    changed(play)
  }
  const modes = model?.modes ?? []
  return html`
    ${
      modes.length > 1
        ? html`<div role="group" aria-label="Mode">${modes.map((mode) => html`<button type="button" class="small" aria-pressed=${mode === table.mode} @click=${() => chooseMode(mode)}>${modeName(mode)}</button>`)}</div>`
        : nothing
    }
    <div class="field"><label for="prompt">Prompt</label>
      <textarea id="prompt" rows="3" required .value=${live(table.prompt)} @input=${write}></textarea></div>
    ${table.mode === 'image_edit' && model ? picturesPart(play) : nothing}
  `
}

const form = (play: Playground, models: readonly Model[]): TemplateResult => {
  const { table, model, context } = play
  const submit = (event: Event): void => {
    event.preventDefault()
    run(play)
  }
  const setValue = (name: string, value: unknown): void => {
    table.values = { ...table.values, [name]: value }
    changed(play)
  }
  const compare = (): void => {
    table.lanes.push(createLane(lead(play)?.model ?? ''))
    changed(play)
  }
  const schema = schemaOf(play)
  const lacksPictures = table.mode === 'image_edit' && table.pictures.length === 0
  const paste = (event: ClipboardEvent): void => {
    const pasted = picturesOf(event.clipboardData?.files ?? [])
    if (pasted.length === 0 || table.mode !== 'image_edit') return
    event.preventDefault()
    table.pictures = [...table.pictures, ...pasted].slice(0, mostPictures(play))
    changed(play)
  }
  return html`<form class="playground-form" @submit=${submit} @paste=${paste}>
    ${table.lanes.map((lane, index) => lanePart(play, models, lane, index))}
    <p><button type="button" class="small" ?disabled=${table.lanes.length >= MOST_LANES} @click=${compare}>Compare with another</button></p>
    ${promptPart(play)}
    <p><button type="submit" class="primary" ?disabled=${!model || table.prompt.trim() === '' || lacksPictures}>Generate</button></p>
    ${play.modelError ? showError(play.modelError) : nothing}
    ${schema ? schemaForm(schema, table.values, setValue) : nothing}
    ${
      model
        ? html`<details class="fields"><summary>Code</summary>
            ${codeExamples(
              {
                model: model.id,
                mode: table.mode,
                parameters: parametersOf(table, schema),
                images: table.mode === 'image_edit' ? table.pictures.map(({ name }) => name) : [],
              },
              play.language,
              (language) => {
                play.language = language
                context.redraw()
              },
            )}</details>`
        : nothing
    }
  </form>`
}

/** What the address asks for: a model, an earlier request, a provider. */
const prepareTable = ({ query }: ViewContext, table: Bench, models: readonly Model[]): void => {
  const request = query.get('request')
  if (request && restore(table, request)) return
  const asked = query.get('model')
  const first = asked ?? table.lanes[0]?.model ?? models[0]?.id
  if (first === undefined) return
  if (asked !== null || table.lanes.length === 0) {
    table.lanes.splice(0, table.lanes.length, createLane(first, query.get('provider') ?? ''))
  }
  const mode = query.get('mode')
  if (mode === 'text_to_image' || mode === 'image_edit') table.mode = mode
}

/** A form made from the model's schema; requests run side by side, and stay as long as the page is open. */
export const createPlaygroundView = (context: ViewContext): View => {
  const models = createModelList(context)
  const play: Playground = {
    context,
    models,
    table: bench,
    model: undefined,
    modelError: undefined,
    language: 'curl',
    timer: undefined,
    estimating: new AbortController(),
  }
  let isPrepared = false
  const prepare = (data: readonly Model[]): void => {
    if (isPrepared) return
    isPrepared = true
    prepareTable(context, bench, data)
    void loadModel(play)
  }
  repeatedly(context, TICK_MS, () => {
    if (bench.runs.some(({ state }) => state === 'running')) context.redraw()
  })
  context.signal.addEventListener('abort', () => clearTimeout(play.timer))
  return {
    title: () => 'Playground',
    render: () =>
      show(models, ({ data }) => {
        prepare(data)
        return html`<div class="playground">
          ${form(play, data)}
          <section class="runs" aria-label="Results">
            ${bench.runs.length === 0 ? html`<p class="waiting">Results stand here, until the page is closed.</p>` : nothing}
            ${bench.runs.map((one) => runCard(one, useOf(play)))}
          </section>
        </div>`
      }),
  }
}
