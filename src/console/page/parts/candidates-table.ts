import { html, nothing, type TemplateResult } from 'lit-html'
import { duration, moment, percent, usd } from '#console/formats.ts'
import type { Candidate, RoutingCandidate } from '#console/types.ts'
import { badge } from './badge.ts'
import { bar } from './bar.ts'

type Shown = Candidate & Partial<Pick<RoutingCandidate, 'price_usd' | 'health'>>

/** What a score is divided by: the chance that a try brings an image in time. */
const chanceOf = ({ terms }: Candidate): number =>
  terms.success_probability * terms.in_time_probability

const termsOf = ({ terms }: Candidate): readonly number[] => [
  terms.time_cost,
  terms.money_cost,
  terms.attempt_cost,
]

const until = (iso: string | null | undefined): TemplateResult | typeof nothing => {
  if (!iso) return nothing
  const leftMs = Date.parse(iso) - Date.now()
  return html`<br><small>until ${moment(iso)}${leftMs > 0 ? html` (${duration(leftMs)})` : nothing}</small>`
}

const row = (candidate: Shown, index: number, whole: number, isChosen: boolean): TemplateResult => {
  const { config_key: key, standing, terms, score, price_usd: price, health } = candidate
  const chance = chanceOf(candidate)
  return html`<tr class=${isChosen ? 'chosen' : ''}>
    <td data-label="Order">${index + 1}</td>
    <th scope="row" data-label="Offering">${key}${isChosen ? html` <span class="badge good">chosen</span>` : nothing}</th>
    <td data-label="Standing">${badge(standing)}${until(candidate.until ?? health?.until)}</td>
    <td data-label="Score" class="score">
      <strong>${score.toFixed(1)}</strong>
      ${bar(
        termsOf(candidate).map((term) => (chance > 0 ? term / chance : 0)),
        whole,
      )}
      <small>(${terms.time_cost.toFixed(1)} time + ${terms.money_cost.toFixed(1)} money + ${terms.attempt_cost.toFixed(1)} try) ÷ ${chance.toFixed(3)}</small>
    </td>
    <td data-label="Success">${percent(terms.success_probability)}<br><small>${percent(terms.in_time_probability)} in time</small></td>
    <td data-label="Expected">${duration(terms.success_seconds * 1_000)}${terms.crowding > 1.005 ? html`<br><small>× ${terms.crowding.toFixed(2)} crowded</small>` : nothing}</td>
    ${price === undefined ? nothing : html`<td data-label="Price">${usd(price)}</td>`}
    <td data-label="In flight">${health ? `${health.in_flight} · ` : nothing}${candidate.first_tries_in_flight} of ${candidate.slow_start_limit} first tries</td>
  </tr>`
}

/** Candidates in the order in which they would be tried, each score with its terms. */
export const candidatesTable = (
  candidates: readonly Shown[],
  chosen: string | undefined,
  caption: string,
): TemplateResult => {
  const whole = Math.max(...candidates.map(({ score }) => score), 1e-9)
  const hasPrices = candidates.some(({ price_usd: price }) => price !== undefined)
  return html`<table class="cards candidates">
    <caption>${caption}</caption>
    <thead>
      <tr>
        <th scope="col">Order</th>
        <th scope="col">Offering</th>
        <th scope="col">Standing</th>
        <th scope="col">Score, less is better
          <small class="legend"><i class="part-0"></i> time <i class="part-1"></i> money <i class="part-2"></i> try</small></th>
        <th scope="col">Success</th>
        <th scope="col">Expected</th>
        ${hasPrices ? html`<th scope="col">Price</th>` : nothing}
        <th scope="col">In flight</th>
      </tr>
    </thead>
    <tbody>
      ${candidates.map((candidate, index) => row(candidate, index, whole, candidate.config_key === chosen))}
    </tbody>
  </table>`
}
