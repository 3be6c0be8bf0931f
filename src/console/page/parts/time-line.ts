import { html, svg, type TemplateResult } from 'lit-html'
import { duration, words } from '#console/formats.ts'
import type { Attempt } from '#console/types.ts'
import { badge } from './badge.ts'

/** A try with its place on the line. */
export interface PlacedAttempt extends Attempt {
  /** Since the request came. */
  readonly afterMs: number
  /** Why this offering; `undefined`: not known. */
  readonly reason: string | undefined
}

const row = (attempt: PlacedAttempt, wholeMs: number): TemplateResult => {
  const {
    afterMs,
    duration_ms: tookMs,
    status,
    config_key: key,
    error_code: code,
    reason,
  } = attempt
  const [x, width] = [(afterMs / wholeMs) * 100, Math.max(0.5, (tookMs / wholeMs) * 100)]
  return html`<li>
    <div class="attempt-head">
      <strong>${key}</strong> ${badge(status)}
      <span>${duration(tookMs)}, after ${duration(afterMs)}${reason ? `: ${words(reason)}` : ''}${code ? ` · ${code}` : ''}</span>
    </div>
    <svg class="bar line ${status}" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
      ${svg`<rect class="ground" x="0" y="3" width="100" height="2"></rect>
        <rect class="piece" x=${x} y="0" width=${Math.min(width, 100 - x)} height="8"></rect>`}
    </svg>
  </li>`
}

/** Attempts on one line of time, in the order in which they began. */
export const timeLine = (attempts: readonly PlacedAttempt[], wholeMs: number): TemplateResult => {
  const longest = Math.max(wholeMs, ...attempts.map((one) => one.afterMs + one.duration_ms), 1)
  const ordered = attempts.toSorted((one, other) => one.afterMs - other.afterMs)
  return html`<ol class="time-line">${ordered.map((attempt) => row(attempt, longest))}</ol>`
}
