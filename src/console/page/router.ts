/*
 * Views have addresses behind `#`, such as `#/requests?status=completed`: the page is one file, wherever it is served.
 */

export interface Route {
  /** Such as `models`. */
  readonly view: string
  /** What follows the view's name; `undefined`: nothing. */
  readonly id: string | undefined
  readonly query: URLSearchParams
}

/** As it is when it is no such text: people type addresses too. */
const decode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

export const readRoute = (hash: string): Route => {
  const [path = '', query] = hash.replace(/^#\/?/, '').split('?')
  const [view = '', ...rest] = path.split('/')
  const id = rest.length > 0 ? rest.map(decode).join('/') : undefined
  return { view, id, query: new URLSearchParams(query) }
}

/** The address of a view. Values that are `undefined` or empty are left out. */
export const linkTo = (
  view: string,
  id?: string,
  query: Readonly<Record<string, string | undefined>> = {},
): string => {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value) search.set(name, value)
  const path = id === undefined ? '' : `/${id.split('/').map(encodeURIComponent).join('/')}`
  return `#/${view}${path}${search.size > 0 ? `?${search}` : ''}`
}

/** Goes there. `replace`: instead of where the reader is, who would not want to go back to each change of a filter. */
export const goTo = (link: string, how: 'push' | 'replace' = 'push'): void => {
  if (how === 'push') {
    location.hash = link
    return
  }
  history.replaceState(null, '', link)
  dispatchEvent(new HashChangeEvent('hashchange'))
}
