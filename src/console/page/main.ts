import { html, nothing, render, type TemplateResult } from 'lit-html'
import { type ApiError, whenKeyIsRefused } from './gateway.ts'
import { keyForm } from './key-form.ts'
import { type Route, readRoute } from './router.ts'
import { chooseTheme, forgetKey, readKey, readTheme, type Theme } from './session.ts'
import type { View, ViewContext } from './view.ts'
import { createModelView } from './views/model.ts'
import { createModelsView } from './views/models.ts'
import { createOverviewView } from './views/overview.ts'
import { createPlaygroundView } from './views/playground.ts'
import { createRequestView } from './views/request.ts'
import { createRequestsView } from './views/requests.ts'
import { createRoutingView } from './views/routing.ts'

type CreateView = (context: ViewContext) => View

/** In the order of the navigation. */
const SECTIONS: readonly (readonly [view: string, name: string])[] = [
  ['models', 'Models'],
  ['playground', 'Playground'],
  ['routing', 'Routing'],
  ['requests', 'Requests'],
  ['overview', 'Overview'],
]

const viewOf = ({ view, id }: Route): CreateView | undefined => {
  if (view === 'models') return id === undefined ? createModelsView : createModelView
  if (view === 'requests') return id === undefined ? createRequestsView : createRequestView
  return {
    playground: createPlaygroundView,
    routing: createRoutingView,
    overview: createOverviewView,
  }[view]
}

const THEMES: readonly Theme[] = ['system', 'light', 'dark']

/** What is shown now, and what it takes to leave it. */
let shown:
  | {
      readonly view: View
      readonly section: string
      readonly id: string | undefined
      readonly leave: AbortController
    }
  | undefined
/** Asked for before anything is shown, perhaps as another was refused; `undefined`: not now. */
let wantedKey: { readonly refusal?: ApiError } | undefined
let frame = 0

const navigation = (section: string): TemplateResult => html`<nav aria-label="Console">
  ${SECTIONS.map(
    ([view, name]) =>
      html`<a href="#/${view}" aria-current=${view === section ? 'page' : nothing}>${name}</a>`,
  )}
</nav>`

const header = (section: string): TemplateResult => html`<header>
  <a class="brand" href="#/models"><img src="./icon.svg" alt="" width="28" height="28"> Fresnel</a>
  ${navigation(section)}
  <div class="settings">
    <label><span class="hidden">Theme</span>
      <select @change=${(event: Event) => chooseTheme((event.currentTarget as HTMLSelectElement).value as Theme)}>
        ${THEMES.map((theme) => html`<option value=${theme} ?selected=${theme === readTheme()}>${theme}</option>`)}
      </select></label>
    ${readKey() === undefined ? nothing : html`<button type="button" class="small" @click=${leaveSession}>Forget key</button>`}
  </div>
</header>`

const leaveSession = (): void => {
  forgetKey()
  location.reload()
}

const draw = (): void => {
  const root = document.getElementById('app')
  if (!root) return
  const title = wantedKey ? 'Your key' : (shown?.view.title() ?? '')
  document.title = `${title} · Fresnel`
  const body = wantedKey ? keyForm(wantedKey.refusal, begin) : shown?.view.render()
  render(
    html`<a class="skip" href="#main" @click=${skip}>Skip to the content</a>
      ${header(shown?.section ?? '')}
      <main id="main" tabindex="-1"><h1>${title}</h1>${body}</main>`,
    root,
  )
}

/** The address behind `#` is the view's. */
const skip = (event: Event): void => {
  event.preventDefault()
  document.getElementById('main')?.focus()
}

const redraw = (): void => {
  cancelAnimationFrame(frame)
  frame = requestAnimationFrame(draw)
}

const showRoute = (isNew: boolean): void => {
  if (wantedKey) {
    draw()
    return
  }
  const route = readRoute(location.hash)
  const create = viewOf(route) ?? createModelsView
  const before = shown
  before?.leave.abort()
  const leave = new AbortController()
  const context = { id: route.id, query: route.query, redraw, signal: leave.signal }
  const section = viewOf(route) ? route.view : 'models'
  shown = { view: create(context), section, id: route.id, leave }
  draw()
  // Who reads by ear hears what is there now; who types in a filter goes on typing.
  const isElsewhere = before?.section !== section || before.id !== route.id
  if (isNew && before && isElsewhere) document.getElementById('main')?.focus()
}

/** Whether a key is needed that this tab does not have. */
const lacksKey = async (): Promise<boolean> => {
  if (readKey() !== undefined) return false
  const settings: { asks_for_keys: boolean } = await fetch('./settings.json').then((answer) =>
    answer.json(),
  )
  return settings.asks_for_keys
}

/** Shows the view of the address, or asks for a key before. */
const begin = async (): Promise<void> => {
  wantedKey = (await lacksKey()) ? {} : undefined
  showRoute(false)
}

whenKeyIsRefused((refusal) => {
  wantedKey = { refusal }
  redraw()
})
addEventListener('hashchange', () => showRoute(true))
// A file that is dropped beside its place would else be opened instead of the page, and all that lies on it be lost.
for (const type of ['dragover', 'drop'] as const) {
  addEventListener(type, (event) => {
    if (event.dataTransfer?.types.includes('Files')) event.preventDefault()
  })
}
chooseTheme(readTheme())
await begin()
