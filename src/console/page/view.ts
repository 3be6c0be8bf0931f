import type { TemplateResult } from 'lit-html'

/** What a view is made with. */
export interface ViewContext {
  /** What follows the view's name in the address; `undefined`: nothing. */
  readonly id: string | undefined
  readonly query: URLSearchParams
  /** Shows what has changed, soon. */
  redraw(): void
  /** Aborted when the reader leaves the view. */
  readonly signal: AbortSignal
}

/** A page of the console. */
export interface View {
  /** For the window's title and the heading. */
  title(): string
  render(): TemplateResult
}

/** Calls it every so many ms, from now on until the reader leaves; not while the page is hidden. */
export const repeatedly = ({ signal }: ViewContext, everyMs: number, work: () => void): void => {
  const timer = setInterval(() => {
    if (!document.hidden) work()
  }, everyMs)
  signal.addEventListener('abort', () => clearInterval(timer))
}
