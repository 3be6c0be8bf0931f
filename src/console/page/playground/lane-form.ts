import { html, nothing, type TemplateResult } from 'lit-html'
import { live } from 'lit-html/directives/live.js'
import { usd } from '#console/formats.ts'
import type { Model } from '#console/types.ts'
import type { Lane } from './bench.ts'

export interface LaneForm {
  readonly lane: Lane
  /** The first cannot be removed. */
  readonly index: number
  readonly models: readonly Model[]
  chooseModel(model: string): void
  chooseProvider(provider: string): void
  remove(): void
}

const chosenIn = (event: Event): string => (event.currentTarget as HTMLSelectElement).value

/** Fields for a model and its provider, and what the request would cost there. */
export const laneForm = (form: LaneForm): TemplateResult => {
  const { lane, index, models } = form
  const providers = models.find(({ id }) => id === lane.model)?.providers ?? []
  const [modelId, providerId] = [`lane-${index}-model`, `lane-${index}-provider`]
  return html`<div class="lane">
    <div class="field"><label for=${modelId}>${index === 0 ? 'Model' : `Model ${index + 1}`}</label>
      <select id=${modelId} .value=${live(lane.model)} @change=${(event: Event) => form.chooseModel(chosenIn(event))}>
        ${models.map(({ id, name }) => html`<option value=${id} ?selected=${id === lane.model}>${name}</option>`)}
      </select></div>
    <div class="field"><label for=${providerId}>${index === 0 ? 'Provider' : `Provider ${index + 1}`}</label>
      <select id=${providerId} .value=${live(lane.provider)} @change=${(event: Event) => form.chooseProvider(chosenIn(event))}>
        <option value="" .selected=${live(lane.provider === '')}>the gateway chooses</option>
        ${providers.map((provider) => html`<option value=${provider} .selected=${live(provider === lane.provider)}>${provider}</option>`)}
      </select></div>
    <p class="estimate" aria-live="polite">${
      lane.estimate
        ? html`about <strong>${usd(lane.estimate.total_cost_micros / 1_000_000)}</strong> at ${lane.estimate.provider}`
        : (lane.problem ?? nothing)
    }</p>
    ${index > 0 ? html`<button type="button" class="small" @click=${() => form.remove()}>Do not compare</button>` : nothing}
  </div>`
}
