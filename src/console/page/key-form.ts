import { html, nothing, type TemplateResult } from 'lit-html'
import type { ApiError } from './gateway.ts'
import { showError } from './resource.ts'
import { keepKey } from './session.ts'

/** Asks for an API key; it is kept until the tab is closed. `refusal`: what the gateway said to the one before. */
export const keyForm = (refusal: ApiError | undefined, begin: () => void): TemplateResult => {
  const submit = (event: Event): void => {
    event.preventDefault()
    const form = new FormData(event.currentTarget as HTMLFormElement)
    const key = String(form.get('key') ?? '').trim()
    if (key === '') return
    keepKey(key)
    begin()
  }
  return html`<form class="key-form" @submit=${submit}>
    <p>This gateway asks for an API key. It is kept in this tab only, and sent to this gateway only. The admin key sees the
      requests of all keys.</p>
    ${refusal ? showError(refusal) : nothing}
    <div class="field"><label for="key">API key</label>
      <input id="key" name="key" type="password" autocomplete="off" required></div>
    <p><button type="submit" class="primary">Go on</button></p>
  </form>`
}
