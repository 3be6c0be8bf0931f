import type { Browser, Page } from 'playwright-core'
import { openWatchedPage, type WatchedPage } from '#test/helpers/browser.ts'
import { TEST_KEY } from '#test/helpers/start-test-gateway.ts'

/** Opens the console at this address behind `#`, with the key of the tests. */
export const openConsole = async (
  browser: Browser,
  url: string,
  address = '#/models',
): Promise<WatchedPage> => {
  const watched = await openWatchedPage(browser)
  await watched.page.goto(`${url}/console/${address}`)
  await giveKey(watched.page)
  return watched
}

export const giveKey = async (page: Page, key = TEST_KEY): Promise<void> => {
  await page.getByLabel('API key').fill(key)
  await page.getByRole('button', { name: 'Go on' }).click()
  await page.getByLabel('API key').waitFor({ state: 'detached' })
}
