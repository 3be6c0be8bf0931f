import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'

/** Debian's; no browser is downloaded. */
const CHROMIUM = '/usr/bin/chromium'

/** Whether pages can be tested here. */
export const hasBrowser = existsSync(CHROMIUM)

/** How long a page may take to show something, in ms. */
const WAIT_MS = 10_000

/** To stand in the names of tests that are skipped without one. */
export const BROWSER_NEED = `needs ${CHROMIUM}: apt-get install chromium`

/** What a page did while it was open. */
export interface WatchedPage {
  readonly page: Page
  /** Every URL that it asked for, but data: and blob:. */
  readonly requests: readonly string[]
  /** Errors of its scripts, and what its policy forbade. */
  readonly problems: readonly string[]
}

/** With a fresh profile that is gone afterwards. */
export const startBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: CHROMIUM,
    // Tests run as root in containers, where it has no sandbox of its own and little shared memory.
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-background-networking'],
  })

export const openWatchedPage = async (browser: Browser): Promise<WatchedPage> => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
  const page = await context.newPage()
  page.setDefaultTimeout(WAIT_MS)
  const requests: string[] = []
  const problems: string[] = []
  page.on('request', (request) => {
    if (/^https?:|^wss?:/.test(request.url())) requests.push(request.url())
  })
  page.on('pageerror', (error) => problems.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text())
  })
  return { page, requests, problems }
}
