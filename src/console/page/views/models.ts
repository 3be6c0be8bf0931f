import { html, type TemplateResult } from 'lit-html'
import { live } from 'lit-html/directives/live.js'
import { count, modeName, usd } from '#console/formats.ts'
import { badge } from '#console/parts/badge.ts'
import { createModelList, show } from '#console/resource.ts'
import { goTo, linkTo } from '#console/router.ts'
import type { Model } from '#console/types.ts'
import type { View, ViewContext } from '#console/view.ts'

interface Filters {
  readonly search: string
  readonly mode: string
  readonly provider: string
  /** Dearest starting price in USD; empty: any. */
  readonly price: string
}

const PRICES = ['0.01', '0.03', '0.05', '0.1']

const readFilters = (query: URLSearchParams): Filters => ({
  search: query.get('search') ?? '',
  mode: query.get('mode') ?? '',
  provider: query.get('provider') ?? '',
  price: query.get('price') ?? '',
})

const textOf = ({ id, name, description, creator_organization: creator, aliases, tags }: Model) =>
  [id, name, description, creator, ...aliases, ...tags].join(' ').toLowerCase()

const matches = (model: Model, { search, mode, provider, price }: Filters): boolean =>
  search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => textOf(model).includes(word)) &&
  (mode === '' || model.modes.some((one) => one === mode)) &&
  (provider === '' || model.providers.includes(provider)) &&
  (price === '' || (model.starting_price ?? Number.POSITIVE_INFINITY) <= Number(price))

const select = (
  label: string,
  value: string,
  options: readonly (readonly [value: string, text: string])[],
  change: (value: string) => void,
): TemplateResult => html`<label>
  ${label}
  <select @change=${(event: Event) => change((event.currentTarget as HTMLSelectElement).value)}>
    ${options.map(([option, text]) => html`<option value=${option} .selected=${live(option === value)}>${text}</option>`)}
  </select>
</label>`

const filterForm = (models: readonly Model[], filters: Filters): TemplateResult => {
  const change = (changed: Partial<Filters>): void =>
    goTo(linkTo('models', undefined, { ...filters, ...changed }), 'replace')
  const providers = [...new Set(models.flatMap((model) => model.providers))].sort()
  return html`<form class="filters" role="search" @submit=${(event: Event) => event.preventDefault()}>
    <label>
      Search
      <input type="search" .value=${filters.search}
        @input=${(event: Event) => change({ search: (event.currentTarget as HTMLInputElement).value })}>
    </label>
    ${select('Mode', filters.mode, [['', 'any'], ...['text_to_image', 'image_edit'].map((mode) => [mode, modeName(mode)] as const)], (mode) => change({ mode }))}
    ${select('Provider', filters.provider, [['', 'any'], ...providers.map((name) => [name, name] as const)], (provider) => change({ provider }))}
    ${select('Price from', filters.price, [['', 'any'], ...PRICES.map((price) => [price, `up to ${usd(Number(price))}`] as const)], (price) => change({ price }))}
  </form>`
}

const card = (model: Model): TemplateResult => html`<li class="card">
  <h2><a href=${linkTo('models', model.id)}>${model.name}</a></h2>
  <p class="id">${model.id}</p>
  <p>${model.description}</p>
  <p class="facts">
    ${model.model_status === 'active' ? '' : badge(model.model_status)}
    ${model.modes.map((mode) => badge(mode, modeName(mode)))}
    <span>from <strong>${usd(model.starting_price)}</strong></span>
    <span>${model.providers.join(', ')}</span>
  </p>
</li>`

/** All models that can be asked for, with filters that stand in the address. */
export const createModelsView = (context: ViewContext): View => {
  const models = createModelList(context)
  const filters = readFilters(context.query)
  return {
    title: () => 'Models',
    render: () =>
      show(models, ({ data }) => {
        const shown = data.filter((model) => matches(model, filters))
        return html`
          ${filterForm(data, filters)}
          <p role="status">${count(shown.length)} of ${count(data.length)} models</p>
          <ul class="card-list">${shown.map(card)}</ul>
        `
      }),
  }
}
