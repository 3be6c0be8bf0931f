import { html, nothing, type TemplateResult } from 'lit-html'
import { bytes, duration, moment, NOT_KNOWN, usd } from '#console/formats.ts'
import { badge } from '#console/parts/badge.ts'
import { candidatesTable } from '#console/parts/candidates-table.ts'
import { decisionText, excludedList } from '#console/parts/decision.ts'
import { type PlacedAttempt, timeLine } from '#console/parts/time-line.ts'
import { createResource, show, showError } from '#console/resource.ts'
import { linkTo } from '#console/router.ts'
import type { RequestDetails } from '#console/types.ts'
import { repeatedly, type View, type ViewContext } from '#console/view.ts'

const REFRESH_MS = 1_000

/** Each attempt at the place of the decision that began it: the log has attempts as they ended. */
export const placeAttempts = ({ attempts, routing }: RequestDetails): PlacedAttempt[] => {
  const tries = routing.decisions.filter(({ type }) => type === 'try')
  const open = [...tries]
  return attempts.map((attempt) => {
    const index = open.findIndex(({ chosen, probe }) =>
      [chosen, probe].includes(attempt.config_key),
    )
    const [decision] = index < 0 ? [] : open.splice(index, 1)
    return { ...attempt, afterMs: decision?.after_ms ?? 0, reason: decision?.reason }
  })
}

const facts = (request: RequestDetails): TemplateResult => html`<dl class="facts-list">
  <div><dt>Status</dt><dd>${badge(request.status)}</dd></div>
  <div><dt>Came</dt><dd>${moment(request.created_at)}</dd></div>
  <div><dt>Model</dt><dd><a href=${linkTo('models', request.model)}>${request.model}</a></dd></div>
  <div><dt>Endpoint</dt><dd>${request.endpoint}</dd></div>
  <div><dt>Provider</dt><dd>${request.provider ?? NOT_KNOWN}</dd></div>
  <div><dt>Cost</dt><dd>${usd(request.cost)}</dd></div>
  <div><dt>Took</dt><dd>${duration(request.duration_ms)}</dd></div>
  <div><dt>In the gateway</dt><dd>${duration(request.overhead_ms)}</dd></div>
  <div><dt>Sizes</dt><dd>${bytes(request.request_size_bytes)} came, ${bytes(request.response_size_bytes)} went</dd></div>
  <div><dt>Key</dt><dd>${request.key_id ?? 'none'}</dd></div>
  <div><dt>User</dt><dd>${request.user ?? NOT_KNOWN}</dd></div>
  <div><dt>Trace</dt><dd>${request.trace_id ?? NOT_KNOWN}</dd></div>
</dl>`

const decisions = ({ routing }: RequestDetails): TemplateResult => html`
  <p><small>Sorted by: ${routing.sort}</small></p>
  ${routing.decisions.map(
    (decision, index) => html`<details ?open=${index === 0} class="decision">
      <summary>After ${duration(decision.after_ms)}: ${decisionText(decision)}</summary>
      ${candidatesTable(decision.candidates, decision.chosen, 'Candidates as they stood then')}
    </details>`,
  )}
  ${excludedList(routing.excluded)}
`

const modeOf = ({ endpoint }: RequestDetails): string =>
  endpoint.endsWith('/edits') ? 'image_edit' : 'text_to_image'

const retryLink = (request: RequestDetails): string =>
  linkTo('playground', undefined, {
    model: request.model,
    mode: modeOf(request),
    request: request.id,
  })

/** One request: what became of it, its attempts on a line of time, and why it was routed so. */
export const createRequestView = (context: ViewContext): View => {
  const id = context.id ?? ''
  const request = createResource<RequestDetails>(context, `/v1/requests/${encodeURIComponent(id)}`)
  repeatedly(context, REFRESH_MS, () => {
    if (request.value?.status === 'pending') void request.load()
  })
  return {
    title: () => `Request ${id}`,
    render: () =>
      show(
        request,
        (value) => html`
        ${value.error_code ? showError({ code: value.error_code, message: value.error_message ?? '' }) : nothing}
        ${facts(value)}
        <p><a class="button" href=${retryLink(value)}>Try it again</a>
          <small>Prompts are not kept: what this tab has sent is filled in, all else is to be typed.</small></p>
        <section aria-labelledby="attempts">
          <h2 id="attempts">Attempts</h2>
          ${value.attempts.length === 0 ? html`<p>${value.status === 'pending' ? 'No attempt has ended yet.' : 'No provider was asked.'}</p>` : timeLine(placeAttempts(value), value.duration_ms)}
        </section>
        <section aria-labelledby="why">
          <h2 id="why">Why it was routed so</h2>
          ${decisions(value)}
        </section>
      `,
      ),
  }
}
