import { html, nothing, type TemplateResult } from 'lit-html'
import { bytes, count, duration, moment, percent, usd } from '#console/formats.ts'
import { badge } from '#console/parts/badge.ts'
import { bar } from '#console/parts/bar.ts'
import '#console/parts/time-chart.ts'
import type { ChartContent } from '#console/parts/time-chart.ts'
import { readWindow, windowChoice } from '#console/parts/window-choice.ts'
import { createResource, show } from '#console/resource.ts'
import { goTo, linkTo } from '#console/router.ts'
import type { GatewayStatus, Usage } from '#console/types.ts'
import { repeatedly, type View, type ViewContext } from '#console/view.ts'

const REFRESH_MS = 10_000

const tile = (name: string, value: string, note: string): TemplateResult => html`<div class="tile">
  <dt>${name}</dt><dd>${value}<br><small>${note}</small></dd>
</div>`

const tiles = ({ totals }: Usage): TemplateResult => html`<dl class="tiles">
  ${tile('Requests', count(totals.requests), `${count(totals.completed)} completed, ${count(totals.upstream_failure)} failed`)}
  ${tile('Success', percent(totals.success_rate), `${count(totals.rejected)} rejected, ${count(totals.cancelled)} cancelled`)}
  ${tile('Time to image', duration(totals.p50_ms), `95 % within ${duration(totals.p95_ms)}`)}
  ${tile('Spend', usd(totals.cost), totals.completed > 0 ? `${usd(totals.cost / totals.completed)} a request` : 'nothing yet')}
  ${tile('Overhead', duration(totals.overhead_p50_ms), `95 % within ${duration(totals.overhead_p95_ms)}`)}
</dl>`

const timesOf = ({ intervals }: Usage): readonly number[] =>
  intervals.map(({ at }) => Date.parse(at) / 1_000)

const charts = (usage: Usage): TemplateResult => {
  const times = timesOf(usage)
  const { intervals } = usage
  const requests: ChartContent = {
    label: 'Requests over time',
    format: count,
    times,
    lines: [
      { name: 'all', values: intervals.map((one) => one.requests), isColumn: true },
      { name: 'failed', values: intervals.map((one) => one.upstream_failure), isColumn: true },
    ],
  }
  const time: ChartContent = {
    label: 'Time to image over time',
    format: duration,
    times,
    lines: [
      { name: 'half within', values: intervals.map((one) => one.p50_ms) },
      { name: '95 % within', values: intervals.map((one) => one.p95_ms) },
    ],
  }
  const spend: ChartContent = {
    label: 'Spend over time',
    format: usd,
    times,
    lines: [{ name: 'spend', values: intervals.map((one) => one.cost), isColumn: true }],
  }
  return html`<div class="charts">
    <figure><figcaption>Requests</figcaption><time-chart .content=${requests}></time-chart></figure>
    <figure><figcaption>Time to image</figcaption><time-chart .content=${time}></time-chart></figure>
    <figure><figcaption>Spend</figcaption><time-chart .content=${spend}></time-chart></figure>
  </div>`
}

type Group = Usage['models'][number] | Usage['providers'][number]

const groupTable = (
  caption: string,
  groups: readonly Group[],
  nameOf: (group: Group) => TemplateResult | string,
): TemplateResult => {
  const most = Math.max(...groups.map(({ cost }) => cost), 0)
  return html`<table class="cards">
    <caption>${caption}</caption>
    <thead><tr>${['Name', 'Spend', 'Requests', 'Success', 'Half within', '95 % within'].map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
    <tbody>
      ${groups.map(
        (group) => html`<tr>
          <th scope="row" data-label="Name">${nameOf(group)}</th>
          <td data-label="Spend">${usd(group.cost)}${bar([group.cost], most)}</td>
          <td data-label="Requests">${count(group.requests)}</td>
          <td data-label="Success">${percent(group.success_rate)}</td>
          <td data-label="Half within">${duration(group.p50_ms)}</td>
          <td data-label="95 % within">${duration(group.p95_ms)}</td>
        </tr>`,
      )}
    </tbody>
  </table>`
}

/** Not all names are told apart: clients choose some of them. */
const OTHERS = 'all others'

const nameOf = (group: Group): TemplateResult | string =>
  'model' in group
    ? group.model === null
      ? OTHERS
      : html`<a href=${linkTo('models', group.model)}>${group.model}</a>`
    : (group.provider_name ?? OTHERS)

const limited = (now: string, limit: string | undefined): string =>
  limit === undefined ? now : `${now} of ${limit}`

const health = (status: GatewayStatus): TemplateResult => html`
  <dl class="facts-list">
    <div><dt>Version</dt><dd>${status.version}</dd></div>
    <div><dt>Since</dt><dd>${moment(status.started_at)}</dd></div>
    <div><dt>Takes requests</dt><dd>${badge(status.ready ? 'yes' : 'no')}</dd></div>
    <div><dt>In flight</dt><dd>${limited(count(status.requests_in_flight), status.requests_limit === null ? undefined : count(status.requests_limit))}</dd></div>
    <div><dt>Held in memory</dt><dd>${limited(bytes(status.bytes_in_flight), status.bytes_limit === null ? undefined : bytes(status.bytes_limit))}</dd></div>
    <div><dt>Redis</dt><dd>${status.redis.configured ? badge(status.redis.reachable ? 'ok' : 'down') : badge('none', 'not configured: everything is in memory')} ${status.redis.reason ?? nothing}</dd></div>
  </dl>
  <table class="cards">
    <caption>Providers</caption>
    <thead><tr>${['Provider', 'Status', 'Models', 'In flight', 'Not well'].map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
    <tbody>
      ${status.providers.map(
        (provider) => html`<tr>
          <th scope="row" data-label="Provider">${provider.provider_name}</th>
          <td data-label="Status">${badge(provider.status, provider.configured ? provider.status : 'not configured')}</td>
          <td data-label="Models">${count(provider.models)}</td>
          <td data-label="In flight">${count(provider.in_flight)}</td>
          <td data-label="Not well">${provider.offerings.map((offering) => html`${offering.config_key} ${badge(offering.status)}<br>`)}</td>
        </tr>`,
      )}
    </tbody>
  </table>
`

/** How the gateway does: what came, what it cost, and whether all that it stands on is well. */
export const createOverviewView = (context: ViewContext): View => {
  const window = readWindow(context.query.get('window')) ?? '24h'
  const usage = createResource<Usage>(context, `/v1/usage?window=${window}`)
  const status = createResource<GatewayStatus>(context, '/v1/status')
  repeatedly(context, REFRESH_MS, () => {
    void usage.load()
    void status.load()
  })
  const choose = (chosen: string): void =>
    goTo(linkTo('overview', undefined, { window: chosen }), 'replace')
  return {
    title: () => 'Overview',
    render: () => html`
      ${windowChoice(window, choose)}
      ${show(
        usage,
        (value) => html`
        ${value.partial ? html`<p class="error">What came to other gateways is missing: Redis cannot be asked.</p>` : nothing}
        ${tiles(value)}
        ${charts(value)}
        ${groupTable('By model', value.models, nameOf)}
        ${groupTable('By provider', value.providers, nameOf)}
      `,
      )}
      <section aria-labelledby="health">
        <h2 id="health">This gateway</h2>
        ${show(status, health)}
      </section>
    `,
  }
}
