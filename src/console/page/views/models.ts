import { html, type TemplateResult } from 'lit-html'
import { count, modeName, usd } from '#console/formats.ts'
import { badge } from '#console/parts/badge.ts'
import { choice, type Option } from '#console/parts/choice.ts'
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

const ANY: Option = ['', 'any']
const MODES = ['text_to_image', 'image_edit'].map((mode): Option => [mode, modeName(mode)])
const PRICES = ['0.01', '0.03', '0.05', '0.1'].map(
  (price): Option => [price, `up to ${usd(Number(price))}`],
)

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

const filterForm = (models: readonly Model[], filters: Filters): TemplateResult => {
  const change = (changed: Partial<Filters>): void =>
    goTo(linkTo('models', undefined, { ...filters, ...changed }), 'replace')
  const slugs = [...new Set(models.flatMap((model) => model.providers))].sort()
  const providers = slugs.map((slug): Option => [slug, slug])
  return html`<form class="filters" role="search" @submit=${(event: Event) => event.preventDefault()}>
    <label>
      Search
      <input type="search" .value=${filters.search}
        @input=${(event: Event) => change({ search: (event.currentTarget as HTMLInputElement).value })}>
    </label>
    ${choice('Mode', [ANY, ...MODES], filters.mode, (mode) => change({ mode }))}
    ${choice('Provider', [ANY, ...providers], filters.provider, (provider) => change({ provider }))}
    ${choice('Price from', [ANY, ...PRICES], filters.price, (price) => change({ price }))}
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
