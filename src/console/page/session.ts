/*
 * What is kept as long as the tab is open, and nowhere else.
 */

const KEY_NAME = 'fresnel-api-key'

/** The API key that calls are made with; `undefined`: none was given. */
export const readKey = (): string | undefined => sessionStorage.getItem(KEY_NAME) ?? undefined

export const keepKey = (key: string): void => sessionStorage.setItem(KEY_NAME, key)

export const forgetKey = (): void => sessionStorage.removeItem(KEY_NAME)

export type Theme = 'system' | 'light' | 'dark'

/** Event of the window: colours are others now. */
export const THEME_CHANGED = 'fresnel-theme'

const THEME_NAME = 'fresnel-theme'

export const readTheme = (): Theme => {
  const theme = localStorage.getItem(THEME_NAME)
  return theme === 'light' || theme === 'dark' ? theme : 'system'
}

/** Shows the theme, and remembers it for the next time: it says nothing about anybody. */
export const chooseTheme = (theme: Theme): void => {
  localStorage.setItem(THEME_NAME, theme)
  document.documentElement.dataset['theme'] = theme
  dispatchEvent(new Event(THEME_CHANGED))
}
