import { html, type TemplateResult } from 'lit-html'
import { live } from 'lit-html/directives/live.js'

/** A value with the words for it. */
export type Option = readonly [value: string, text: string]

/** One of several, with its name. What is chosen stays what it is when the view is drawn anew. */
export const choice = (
  label: string,
  options: readonly Option[],
  chosen: string,
  change: (value: string) => void,
): TemplateResult => html`<label>${label}
  <select @change=${(event: Event) => change((event.currentTarget as HTMLSelectElement).value)}>
    ${options.map(([value, text]) => html`<option value=${value} .selected=${live(value === chosen)}>${text}</option>`)}
  </select></label>`
