import { html, nothing, type TemplateResult } from 'lit-html'
import { duration, modeName, usd } from '#console/formats.ts'
import { badge } from '#console/parts/badge.ts'
import { timeLine } from '#console/parts/time-line.ts'
import { showError } from '#console/resource.ts'
import { linkTo } from '#console/router.ts'
import type { Run } from './generate.ts'
import type { Picture } from './picture.ts'

/** Nothing is done before it is: the bar never quite gets to its end. */
const LONGEST_SHARE = 0.97

const progress = (run: Run): TemplateResult => {
  const elapsedMs = Date.now() - run.startedAtMs
  const { expectedMs } = run
  const share = expectedMs ? Math.min(LONGEST_SHARE, elapsedMs / expectedMs) : undefined
  const text = expectedMs
    ? `${duration(elapsedMs)} of about ${duration(expectedMs)}`
    : `${duration(elapsedMs)}`
  return html`<div class="progress">
    <progress aria-label="Progress" max="1" value=${share ?? nothing}></progress>
    <span>${text}</span>
    <button type="button" class="small" @click=${run.cancel}>Cancel</button>
  </div>`
}

const result = (
  picture: Picture,
  index: number,
  use: ((picture: Picture) => void) | undefined,
): TemplateResult => html`<figure class="result">
  <img src=${picture.url} alt="Result ${index + 1}">
  <figcaption>
    <a class="button small" href=${picture.url} download=${picture.name}>Download</a>
    <button type="button" class="small" ?disabled=${!use} @click=${() => use?.(picture)}>Use as input</button>
  </figcaption>
</figure>`

const figures = (run: Run): TemplateResult | typeof nothing => {
  const { metadata, endedAtMs, startedAtMs, requestId } = run
  if (run.state === 'running') return nothing
  return html`<p class="facts">
    ${badge(run.state)}
    ${metadata ? html`<span>${metadata.provider_name}</span><strong>${usd(metadata.cost)}</strong>` : nothing}
    <span>${duration((endedAtMs ?? startedAtMs) - startedAtMs)}</span>
    ${requestId ? html`<a href=${linkTo('requests', requestId)}>Why it went so</a>` : nothing}
  </p>`
}

const elapsedAttempts = (run: Run) =>
  run.attempts.map((attempt) =>
    attempt.status === 'started'
      ? { ...attempt, duration_ms: Math.max(0, Date.now() - run.startedAtMs - attempt.afterMs) }
      : attempt,
  )

/** One request of the playground: how it stands, and what came of it. */
export const runCard = (
  run: Run,
  use: ((picture: Picture) => void) | undefined,
): TemplateResult => {
  const { order, images, draft, warnings, error } = run
  const wholeMs = (run.endedAtMs ?? Date.now()) - run.startedAtMs
  return html`<article class="card run" aria-busy=${run.state === 'running'} data-state=${run.state}>
    <h3>${order.model}${order.provider ? ` at ${order.provider}` : ''}</h3>
    <p class="prompt">${String(order.parameters['prompt'] ?? '')} <small>${modeName(order.mode)}</small></p>
    ${run.state === 'running' ? progress(run) : nothing}
    <div role="status">${figures(run)}</div>
    ${error ? html`${showError(error)}${error.param ? html`<p><small>Parameter: <code>${error.param}</code></small></p>` : nothing}` : nothing}
    ${warnings.length > 0 ? html`<ul class="warnings">${warnings.map((warning) => html`<li><strong>${warning.param ?? warning.type}</strong> ${warning.message}</li>`)}</ul>` : nothing}
    ${images.length > 0 ? html`<div class="results">${images.map((picture, index) => result(picture, index, use))}</div>` : nothing}
    ${images.length === 0 && draft ? html`<figure class="result"><img src=${draft.url} alt="Draft"><figcaption>Draft</figcaption></figure>` : nothing}
    ${run.attempts.length > 0 ? html`<details ?open=${run.state === 'running' || run.attempts.length > 1}><summary>Attempts (${run.attempts.length})</summary>${timeLine(elapsedAttempts(run), wholeMs)}</details>` : nothing}
  </article>`
}
