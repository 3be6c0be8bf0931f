import { html, type TemplateResult } from 'lit-html'

const SHOWN_MS = 2_000

const copy = async (button: HTMLButtonElement, text: string, name: string): Promise<void> => {
  try {
    await navigator.clipboard.writeText(text)
    button.textContent = 'Copied'
  } catch {
    // Browsers let pages without TLS copy nothing, but for those of this machine.
    button.textContent = 'Not allowed here'
  }
  setTimeout(() => {
    button.textContent = name
  }, SHOWN_MS)
}

export const copyButton = (text: string, name = 'Copy'): TemplateResult =>
  html`<button
    type="button"
    class="small"
    aria-live="polite"
    @click=${(event: Event) => copy(event.currentTarget as HTMLButtonElement, text, name)}
  >${name}</button>`
