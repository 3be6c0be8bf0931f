import { html, nothing, type TemplateResult } from 'lit-html'
import { live } from 'lit-html/directives/live.js'
import { count, duration, moment, usd } from '#console/formats.ts'
import { badge } from '#console/parts/badge.ts'
import { createModelList, createResource, show } from '#console/resource.ts'
import { goTo, linkTo } from '#console/router.ts'
import type { Model, RequestPage, RequestRow } from '#console/types.ts'
import type { View, ViewContext } from '#console/view.ts'

const STATUSES = ['completed', 'pending', 'upstream_failure', 'rejected', 'cancelled']

/** Filters that stand in the address, by the names that the API has for them. */
const FILTERS = ['status', 'model', 'key_id', 'created_after', 'created_before'] as const

type Filters = Readonly<Record<(typeof FILTERS)[number], string>>

const readFilters = (query: URLSearchParams): Filters =>
  Object.fromEntries(FILTERS.map((name) => [name, query.get(name) ?? ''])) as Filters

/** A field of local time → a time of the API's. */
const isoOf = (local: string): string => (local === '' ? '' : new Date(local).toISOString())

/** And back, for the field. */
const localOf = (iso: string): string => {
  if (iso === '') return ''
  const at = new Date(iso)
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}

const pathOf = (filters: Filters, cursor: URLSearchParams): string => {
  const query = new URLSearchParams({ limit: '25', summary: 'true' })
  for (const [name, value] of Object.entries(filters)) if (value !== '') query.set(name, value)
  for (const name of ['starting_after', 'ending_before']) {
    const value = cursor.get(name)
    if (value !== null) query.set(name, value)
  }
  return `/v1/requests?${query}`
}

const textIn = (event: Event): string =>
  (event.currentTarget as HTMLInputElement | HTMLSelectElement).value

const filterForm = (filters: Filters, models: readonly Model[]): TemplateResult => {
  const change = (changed: Partial<Filters>): void =>
    goTo(linkTo('requests', undefined, { ...filters, ...changed }), 'replace')
  return html`<form class="filters" role="search" @submit=${(event: Event) => event.preventDefault()}>
    <label>Status
      <select @change=${(event: Event) => change({ status: textIn(event) })}>
        <option value="" .selected=${live(filters.status === '')}>any</option>
        ${STATUSES.map((status) => html`<option value=${status} .selected=${live(status === filters.status)}>${status.replace('_', ' ')}</option>`)}
      </select></label>
    <label>Model
      <input list="model-ids" .value=${filters.model} @change=${(event: Event) => change({ model: textIn(event) })}>
      <datalist id="model-ids">${models.map(({ id }) => html`<option value=${id}></option>`)}</datalist></label>
    <label>Key
      <input .value=${filters.key_id} placeholder="key_…" @change=${(event: Event) => change({ key_id: textIn(event).trim() })}></label>
    <label>From
      <input type="datetime-local" .value=${localOf(filters.created_after)} @change=${(event: Event) => change({ created_after: isoOf(textIn(event)) })}></label>
    <label>Before
      <input type="datetime-local" .value=${localOf(filters.created_before)} @change=${(event: Event) => change({ created_before: isoOf(textIn(event)) })}></label>
  </form>`
}

const row = (request: RequestRow): TemplateResult => html`<tr>
  <th scope="row" data-label="Time"><a href=${linkTo('requests', request.id)}>${moment(request.created_at)}</a></th>
  <td data-label="Status">${badge(request.status)}</td>
  <td data-label="Model">${request.model}</td>
  <td data-label="Provider">${request.provider ?? '–'}${request.attempts.length > 1 ? html` <small>${request.attempts.length} attempts</small>` : nothing}</td>
  <td data-label="Took">${duration(request.duration_ms)}</td>
  <td data-label="Cost">${usd(request.cost)}</td>
  <td data-label="Error">${request.error_code ?? ''}</td>
</tr>`

/** The address of this view that shows what a page's URL of the API names. */
const pageLink = (url: string, filters: Filters): string => {
  const query = new URL(url, location.href).searchParams
  return linkTo('requests', undefined, {
    ...filters,
    starting_after: query.get('starting_after') ?? undefined,
    ending_before: query.get('ending_before') ?? undefined,
  })
}

const pageOf = (page: RequestPage, filters: Filters): TemplateResult => html`
  <p role="status">
    ${page.summary ? `${count(page.summary.count)} requests, ${usd(page.summary.total_cost)} together` : nothing}
    ${page.partial ? html`<strong>Those of other gateways are missing: Redis cannot be asked.</strong>` : nothing}
  </p>
  <table class="cards">
    <caption class="hidden">Requests, newest first</caption>
    <thead><tr>${['Time', 'Status', 'Model', 'Provider', 'Took', 'Cost', 'Error'].map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
    <tbody>${page.data.map(row)}</tbody>
  </table>
  ${page.data.length === 0 ? html`<p>No request matches.</p>` : nothing}
  <nav class="pages" aria-label="Pages">
    ${page.previous_page_url ? html`<a class="button quiet" href=${pageLink(page.previous_page_url, filters)}>Newer</a>` : nothing}
    ${page.next_page_url ? html`<a class="button quiet" href=${pageLink(page.next_page_url, filters)}>Older</a>` : nothing}
  </nav>
`

/** The request log: an admin's key sees all requests, another its own. */
export const createRequestsView = (context: ViewContext): View => {
  const filters = readFilters(context.query)
  const page = createResource<RequestPage>(context, pathOf(filters, context.query))
  const models = createModelList(context)
  return {
    title: () => 'Requests',
    render: () => html`
      ${filterForm(filters, models.value?.data ?? [])}
      <p><button type="button" class="small" @click=${() => page.load()}>Refresh</button></p>
      ${show(page, (value) => pageOf(value, filters))}
    `,
  }
}
