import { html, nothing, type TemplateResult } from 'lit-html'
import { count, modeName, moment, NOT_KNOWN, usd, words } from '#console/formats.ts'
import { GATEWAY_URL, pathOfModel } from '#console/gateway.ts'
import { badge } from '#console/parts/badge.ts'
import { codeExamples, type Language } from '#console/parts/code-examples.ts'
import { copyButton } from '#console/parts/copy-button.ts'
import { livePerformance } from '#console/parts/live-performance.ts'
import { parameterTables } from '#console/parts/parameter-tables.ts'
import { createResource, show } from '#console/resource.ts'
import { linkTo } from '#console/router.ts'
import type { Mode, Model, Offering, Price, Window } from '#console/types.ts'
import type { View, ViewContext } from '#console/view.ts'

const specification = (model: Model): TemplateResult => html`<dl class="facts-list">
  <div><dt>Id</dt><dd><code>${model.id}</code> ${copyButton(model.id)}</dd></div>
  <div><dt>Creator</dt><dd>${model.creator_organization}</dd></div>
  <div><dt>Family</dt><dd>${model.family}</dd></div>
  <div><dt>Status</dt><dd>${badge(model.model_status)}</dd></div>
  <div><dt>Released</dt><dd>${model.released ?? NOT_KNOWN}</dd></div>
  <div><dt>Modes</dt><dd>${model.modes.map(modeName).join(', ')}</dd></div>
  <div><dt>From</dt><dd>${usd(model.starting_price)} an image</dd></div>
  ${Object.entries(model.limits).map(([name, limit]) => html`<div><dt>${words(name)}</dt><dd>${count(limit)}</dd></div>`)}
  <div><dt>Also known as</dt><dd>${model.aliases.length > 0 ? model.aliases.map((alias, index) => html`${index > 0 ? ', ' : ''}<code>${alias}</code>`) : NOT_KNOWN}</dd></div>
</dl>`

/** Each amount with what it depends on: tiers, sizes, qualities. */
const flatten = (
  value: unknown,
  before: string,
): readonly (readonly [when: string, amount: number])[] => {
  if (typeof value === 'number') return [[before, value]]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) =>
    flatten(inner, before === '' ? name : `${before}, ${name}`),
  )
}

/** Amounts stand in `usd`, `usd_by_resolution` and the like; those of batches are not the gateway's. */
const amountsOf = (price: Price): readonly (readonly [when: string, amount: number])[] =>
  Object.entries(price)
    .filter(([field]) => /^usd(_by_|$)/.test(field))
    .flatMap(([, value]) => flatten(value, ''))

/** `{ quality: ['low'] }` → `quality low`; `null`: not given. */
const conditionOf = ({ when }: Price): string =>
  typeof when === 'object' && when !== null
    ? Object.entries(when)
        .map(
          ([name, values]) =>
            `${words(name)} ${[values]
              .flat()
              .map((value) => value ?? 'not given')
              .join(' or ')}`,
        )
        .join('; ')
    : ''

const priceRow = (price: Price): TemplateResult => html`<tr>
  <th scope="row">${words(price.metric)}<br><small>per ${words(price.unit)}${conditionOf(price) ? html`<br>${conditionOf(price)}` : nothing}</small></th>
  <td>
    ${amountsOf(price).map(([when, amount]) => html`<span class="amount">${when ? html`<small>${when}</small> ` : nothing}${usd(amount)}</span> `)}
    ${price.source?.note ? html`<br><small>${price.source.note}</small>` : nothing}
  </td>
  <td>${price.source ? html`<a href=${price.source.url} rel="noreferrer">source</a><br><small>${price.source.checked_at}</small>` : NOT_KNOWN}</td>
</tr>`

const offeringPart = (offering: Offering): TemplateResult => html`<article class="card offering">
  <h3>${offering.provider_name}</h3>
  <p class="facts">
    ${offering.available ? badge(offering.health.status) : badge('off', 'not configured')}
    ${offering.modes.map((mode) => badge(mode, modeName(mode)))}
    ${offering.deprecated_at ? html`<span>deprecated ${offering.deprecated_at}</span>` : nothing}
    ${offering.shutdown_at ? html`<span>ends ${offering.shutdown_at}</span>` : nothing}
    ${offering.health.until ? html`<span>until ${moment(offering.health.until)}</span>` : nothing}
  </p>
  <p class="id">${offering.config_key} → ${offering.provider_model_id}${offering.regions.length > 0 ? ` · ${offering.regions.join(', ')}` : ''}</p>
  <table>
    <caption class="hidden">Prices at ${offering.provider_name}</caption>
    <thead><tr><th scope="col">What</th><th scope="col">Price</th><th scope="col">Source</th></tr></thead>
    <tbody>${offering.pricing.map(priceRow)}</tbody>
  </table>
  ${offering.notes.length > 0 ? html`<ul class="notes">${offering.notes.map((note) => html`<li>${note}</li>`)}</ul>` : nothing}
</article>`

/** What the page shows of its own: which mode, language and time were chosen. */
interface Choices {
  mode: Mode | undefined
  language: Language
  window: Window
}

const EXAMPLE_PROMPTS: Readonly<Record<Mode, string>> = {
  text_to_image: 'A lighthouse at dusk, watercolour',
  image_edit: 'Make it night',
}

const modePart = (model: Model, choices: Choices, redraw: () => void): TemplateResult => {
  const mode = choices.mode ?? model.modes[0] ?? 'text_to_image'
  const choose = (changed: Partial<Choices>) => {
    Object.assign(choices, changed)
    redraw()
  }
  const images = mode === 'image_edit' ? ['picture.png'] : []
  const call = { model: model.id, mode, parameters: { prompt: EXAMPLE_PROMPTS[mode] }, images }
  return html`
    <section aria-labelledby="parameters">
      <h2 id="parameters">Parameters</h2>
      ${
        model.modes.length > 1
          ? html`<div role="group" aria-label="Mode">
              ${model.modes.map((one) => html`<button type="button" class="small" aria-pressed=${one === mode} @click=${() => choose({ mode: one })}>${modeName(one)}</button>`)}
            </div>`
          : nothing
      }
      ${parameterTables(model.schema?.[mode])}
    </section>
    <section aria-labelledby="code">
      <h2 id="code">Code</h2>
      ${codeExamples(call, choices.language, (language) => choose({ language }))}
      <p><a href="${GATEWAY_URL}/v1/models/${pathOfModel(model.id)}/llms.txt">This page as text</a>, for people and models alike.</p>
    </section>
  `
}

/** One model: what it takes, who offers it at what price, how they do, and code that calls it. */
export const createModelView = (context: ViewContext): View => {
  const id = context.id ?? ''
  const path = `/v1/models/${pathOfModel(id)}`
  const model = createResource<Model>(context, `${path}?schema=true`)
  const offerings = createResource<{ data: readonly Offering[] }>(
    context,
    `${path}/providers?history=hour`,
  )
  const choices: Choices = { mode: undefined, language: 'curl', window: '24h' }
  const chooseWindow = (window: Window): void => {
    choices.window = window
    context.redraw()
  }
  return {
    title: () => model.value?.name ?? id,
    render: () => html`
      ${show(
        model,
        (value) => html`
        <p class="lead">${value.description}</p>
        <p><a class="button" href=${linkTo('playground', undefined, { model: value.id })}>Try it</a>
          <a class="button quiet" href=${linkTo('routing', undefined, { model: value.id })}>How it is routed</a></p>
        ${specification(value)}
      `,
      )}
      ${show(
        offerings,
        ({ data }) => html`
        <section aria-labelledby="live">
          <h2 id="live">Live performance</h2>
          ${livePerformance(data, choices.window, chooseWindow)}
        </section>
        <section aria-labelledby="offerings">
          <h2 id="offerings">Offerings</h2>
          <div class="card-list">${data.map(offeringPart)}</div>
        </section>
      `,
      )}
      ${model.value ? modePart(model.value, choices, context.redraw) : nothing}
    `,
  }
}
