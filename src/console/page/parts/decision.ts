import { html, nothing, type TemplateResult } from 'lit-html'
import { duration, words } from '#console/formats.ts'
import type { Decision, Excluded } from '#console/types.ts'

const REASONS: Readonly<Record<string, string>> = {
  best: 'its score is the best',
  stale: 'nobody has tried it for long',
  probe: 'to find out whether it is back',
  last_resort: 'nothing better is left',
  hedge: 'the first is slower than usual',
  exhausted: 'nothing is left to try',
  no_time: 'nothing would be done in time',
  rate_limited: 'everything left is rate limited',
}

/** A choice in a sentence. */
export const decisionText = ({
  type,
  chosen,
  reason,
  wait_ms: waitMs,
  timeout_ms: timeoutMs,
  probe,
}: Decision): string => {
  const why = reason ? (REASONS[reason] ?? words(reason)) : ''
  if (type === 'wait')
    return `Waits ${duration(waitMs)}: every provider is rate limited, one of them soon no longer.`
  if (type === 'stop') return `Stops: ${why}.`
  const time = timeoutMs === undefined ? '' : `, for ${duration(timeoutMs)} at most`
  const copy = probe ? ` A paid copy goes to ${probe}, to find out whether it is back.` : ''
  return `Tries ${chosen}${time}: ${why}.${copy}`
}

/** What could not serve the request at all. */
export const excludedList = (excluded: readonly Excluded[]): TemplateResult | typeof nothing =>
  excluded.length === 0
    ? nothing
    : html`<p><strong>Left out</strong></p>
        <ul class="notes">${excluded.map(({ config_key: key, constraint, reason }) => html`<li><strong>${key}</strong> ${reason} <small>(${constraint})</small></li>`)}</ul>`
