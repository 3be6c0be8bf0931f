import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BROWSER_NEED, hasBrowser, startBrowser } from '#test/helpers/browser.ts'
import { startTestGateway, TEST_KEY, type TestGateway } from '#test/helpers/start-test-gateway.ts'
import { openConsole } from './console-page.ts'

const title = hasBrowser ? 'with a keyboard, the console' : `the console (${BROWSER_NEED})`

const FOCUSED = 'document.activeElement.tagName'

describe.skipIf(!hasBrowser)(title, () => {
  let gateway: TestGateway
  let browser: Browser

  beforeAll(async () => {
    gateway = await startTestGateway()
    browser = await startBrowser()
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    await gateway?.close()
  })

  it('takes a search as it is typed', async () => {
    const { page } = await openConsole(browser, gateway.url)
    await page.getByLabel('Search').click()
    await page.keyboard.type('flux dev', { delay: 50 })
    expect(await page.getByLabel('Search').inputValue()).toBe('flux dev')
    await expect.poll(() => page.url()).toMatch(/search=flux\+dev$/)
    await page.close()
  }, 60_000)

  it('keeps the focus on a field whose choice shows something else', async () => {
    const { page } = await openConsole(browser, gateway.url, '#/routing')
    await page.getByLabel('Model').focus()
    await page.keyboard.press('ArrowDown')
    await expect.poll(() => page.url()).toContain('model=')
    await page.getByText(/Providers in the order/).waitFor()
    expect(await page.evaluate(FOCUSED)).toBe('SELECT')
    await page.close()
  }, 60_000)

  it('goes on at the top of a page that was opened', async () => {
    const { page } = await openConsole(browser, gateway.url)
    await page.locator('.card h2 a').last().click()
    await page.getByRole('heading', { name: 'Offerings' }).waitFor()
    expect(await page.evaluate(FOCUSED)).toBe('MAIN')
    await page.close()
  }, 60_000)

  it('shows filters as the address has them', async () => {
    const { page } = await openConsole(browser, gateway.url, '#/requests')
    await page.getByLabel('Status').selectOption('completed')
    await expect.poll(() => page.url()).toContain('status=completed')
    await page.getByRole('link', { name: 'Requests' }).click()
    await expect.poll(() => page.getByLabel('Status').inputValue()).toBe('')
    await page.close()
  }, 60_000)

  it('shows what an address names that no address is', async () => {
    const { page, problems } = await openConsole(browser, gateway.url, '#/models/50%')
    await page.getByRole('heading', { name: '50%' }).waitFor()
    expect(problems.filter((problem) => !problem.includes('404'))).toEqual([])
    await page.close()
  }, 60_000)

  it('shows usage of more models than are told apart', async () => {
    for (let index = 0; index < 130; index += 1) {
      await fetch(`${gateway.url}/openai/v1/images/generations`, {
        method: 'POST',
        headers: { authorization: `Bearer ${TEST_KEY}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: `nobody-${index}`, prompt: 'a lighthouse' }),
      })
    }
    const { page, problems } = await openConsole(browser, gateway.url, '#/overview')
    await page.getByText('all others').waitFor()
    expect(problems).toEqual([])
    await page.close()
  }, 60_000)
})
