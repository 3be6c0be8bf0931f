import { html, type TemplateResult } from 'lit-html'
import type { Window } from '#console/types.ts'

const NAMES: Readonly<Record<Window, string>> = {
  '24h': '24 hours',
  '7d': '7 days',
  '30d': '30 days',
}

export const WINDOWS = Object.keys(NAMES) as readonly Window[]

/** `undefined`: it is none. */
export const readWindow = (text: string | null): Window | undefined =>
  WINDOWS.find((window) => window === text)

/** Over which time figures are shown. */
export const windowChoice = (chosen: Window, choose: (window: Window) => void): TemplateResult =>
  html`<div role="group" aria-label="Time">
    ${WINDOWS.map(
      (window) =>
        html`<button type="button" class="small" aria-pressed=${window === chosen} @click=${() => choose(window)}>${NAMES[window]}</button>`,
    )}
  </div>`
