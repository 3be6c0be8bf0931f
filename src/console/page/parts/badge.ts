import { html, type TemplateResult } from 'lit-html'
import { words } from '#console/formats.ts'

const TONES: Readonly<Record<string, 'good' | 'bad' | 'careful' | 'quiet'>> = {
  active: 'good',
  completed: 'good',
  ok: 'good',
  usable: 'good',
  yes: 'good',
  failed: 'bad',
  upstream_failure: 'bad',
  rejected: 'bad',
  open: 'bad',
  down: 'bad',
  taken_out: 'bad',
  no: 'bad',
  rate_limited: 'careful',
  busy: 'careful',
  degraded: 'careful',
  deprecated: 'careful',
  pending: 'careful',
  started: 'careful',
}

/** A state in a word, its colour only repeating it. */
export const badge = (state: string, text = words(state)): TemplateResult =>
  html`<span class="badge ${TONES[state] ?? 'quiet'}">${text}</span>`
