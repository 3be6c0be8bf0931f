import { html, type TemplateResult } from 'lit-html'
import { modeName } from '#console/formats.ts'
import { pathOfModel } from '#console/gateway.ts'
import { candidatesTable } from '#console/parts/candidates-table.ts'
import { choice } from '#console/parts/choice.ts'
import { decisionText, excludedList } from '#console/parts/decision.ts'
import { createModelList, createResource, type Resource, show } from '#console/resource.ts'
import { goTo, linkTo } from '#console/router.ts'
import type { Mode, Model, RoutingNow } from '#console/types.ts'
import { repeatedly, type View, type ViewContext } from '#console/view.ts'

const REFRESH_MS = 2_000

const SORTS = ['balanced', 'latency', 'price', 'success']

interface Choice {
  readonly model: string
  readonly mode: string
  readonly sort: string
}

const choiceForm = (models: readonly Model[], asked: Choice): TemplateResult => {
  const change = (changed: Partial<Choice>): void =>
    goTo(linkTo('routing', undefined, { ...asked, ...changed }), 'replace')
  const modes = models.find(({ id }) => id === asked.model)?.modes ?? []
  return html`<form class="filters" @submit=${(event: Event) => event.preventDefault()}>
    ${choice(
      'Model',
      models.map(({ id, name }) => [id, name] as const),
      asked.model,
      (model) => change({ model, mode: '' }),
    )}
    ${choice(
      'Mode',
      modes.map((mode) => [mode, modeName(mode)] as const),
      asked.mode,
      (mode) => change({ mode }),
    )}
    ${choice(
      'Sort',
      SORTS.map((sort) => [sort, sort] as const),
      asked.sort,
      (sort) => change({ sort }),
    )}
  </form>`
}

const readChoice = (query: URLSearchParams, models: readonly Model[]): Choice => {
  const model = models.find(({ id }) => id === query.get('model')) ?? models[0]
  const asked = query.get('mode')
  const mode = model?.modes.find((one: Mode) => one === asked) ?? model?.modes[0] ?? ''
  return { model: model?.id ?? '', mode, sort: query.get('sort') || 'balanced' }
}

/** How each model would be routed now, and why; asked again every other second. */
export const createRoutingView = (context: ViewContext): View => {
  const models = createModelList(context)
  let routing: Resource<RoutingNow> | undefined
  let isPaused = false
  const toggle = (): void => {
    isPaused = !isPaused
    context.redraw()
  }
  repeatedly(context, REFRESH_MS, () => {
    if (!isPaused) void routing?.load()
  })
  const routingOf = ({ model, mode, sort }: Choice): Resource<RoutingNow> => {
    routing ??= createResource<RoutingNow>(
      context,
      `/v1/models/${pathOfModel(model)}/routing?mode=${mode}&sort=${sort}`,
    )
    return routing
  }
  return {
    title: () => 'Routing',
    render: () =>
      show(models, ({ data }) => {
        const asked = readChoice(context.query, data)
        return html`
          ${choiceForm(data, asked)}
          <p><button type="button" class="small" aria-pressed=${isPaused} @click=${toggle}>${isPaused ? 'Paused' : 'Pause'}</button>
            <small>A usual request, as this gateway would route it now; looked at every ${REFRESH_MS / 1_000} s.</small></p>
          ${show(
            routingOf(asked),
            (now) => html`
            <p class="lead">${decisionText(now.decision)}</p>
            ${candidatesTable(now.candidates, now.decision.chosen, 'Providers in the order in which they would be tried')}
            ${excludedList(now.excluded)}
          `,
          )}
        `
      }),
  }
}
