import AxeBuilder from '@axe-core/playwright'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BROWSER_NEED, hasBrowser, openWatchedPage, startBrowser } from '#test/helpers/browser.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import {
  GENERATIONS,
  startTestGateway,
  type TestGateway,
} from '#test/helpers/start-test-gateway.ts'
import { giveKey, openConsole } from './console-page.ts'

const title = (name: string) => (hasBrowser ? name : `${name} (${BROWSER_NEED})`)

describe.skipIf(!hasBrowser)(title('the console'), () => {
  let gateway: TestGateway
  let browser: Browser
  let requestId: string

  beforeAll(async () => {
    gateway = await startTestGateway()
    browser = await startBrowser()
    for (const provider of ['gemini', 'fal']) {
      const asked = { model: FIRST_MODEL, prompt: 'a lighthouse', provider: { only: [provider] } }
      requestId = (await gateway.post(GENERATIONS, asked)).body.id
    }
    await gateway.post(GENERATIONS, { model: FIRST_MODEL, prompt: '' })
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    await gateway?.close()
  })

  const VIEWS = [
    ['models', () => '#/models', 'text=Nano Banana 2'],
    ['model', () => `#/models/${FIRST_MODEL}`, 'text=Live performance'],
    ['playground', () => `#/playground?model=${FIRST_MODEL}`, 'text=aspect_ratio'],
    [
      'playground for edits',
      () => `#/playground?model=${FIRST_MODEL}&mode=image_edit`,
      'text=Pictures to be changed',
    ],
    ['routing', () => `#/routing?model=${FIRST_MODEL}`, 'tr.chosen'],
    ['requests', () => '#/requests', 'tbody .badge.bad'],
    ['request', () => `#/requests/${requestId}`, 'text=Why it was routed so'],
    ['overview', () => '#/overview', 'text=By provider'],
  ] as const

  /** Who looks: at a desk or on the way, by day or by night. */
  const LOOKS = [
    ['light', 1280],
    ['dark', 1280],
    ['light', 390],
    ['dark', 390],
  ] as const

  it.each(VIEWS)(
    'shows %s to everybody, of this host alone',
    async (_name, address, sign) => {
      const { page, requests, problems } = await openWatchedPage(browser)
      await page.emulateMedia({ reducedMotion: 'reduce' })
      await page.goto(`${gateway.url}/console/${address()}`)
      await giveKey(page)
      await page.locator(sign).first().waitFor()
      await page.locator('.waiting[role=status]').waitFor({ state: 'detached' })
      for (const [colorScheme, width] of LOOKS) {
        await page.emulateMedia({ colorScheme })
        await page.setViewportSize({ width, height: 850 })
        const { violations } = await new AxeBuilder({ page }).analyze()
        const found = violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])
        expect([colorScheme, width, found]).toEqual([colorScheme, width, []])
        const isWider = await page.evaluate('document.documentElement.scrollWidth > innerWidth')
        expect([width, isWider]).toEqual([width, false])
      }
      expect(problems).toEqual([])
      expect(requests.filter((url) => !url.startsWith(gateway.url))).toEqual([])
      await page.close()
    },
    60_000,
  )

  it('asks for a key before anything, and again when that is refused', async () => {
    const { page, problems } = await openWatchedPage(browser)
    await page.goto(`${gateway.url}/console/`)
    await page.getByLabel('API key').fill('wrong')
    await page.getByRole('button', { name: 'Go on' }).click()
    await page.getByText('The API key is not known here.').waitFor()
    expect(problems).toEqual([expect.stringContaining('401'), ...problems.slice(1)])
    await giveKey(page)
    await page.getByRole('link', { name: 'Nano Banana 2', exact: true }).waitFor()
    const kept = await page.evaluate('[Object.values(localStorage), Object.values(sessionStorage)]')
    expect(kept).toEqual([['system'], ['test-gateway-key']])
    await page.getByRole('button', { name: 'Forget key' }).click()
    await page.getByLabel('API key').waitFor()
    await page.close()
  }, 60_000)

  it('asks for no key where there is none', async () => {
    const open = await startTestGateway({ environment: { GATEWAY_API_KEYS: '' } })
    const { page, problems } = await openWatchedPage(browser)
    await page.goto(`${open.url}/console/`)
    await page.getByRole('link', { name: 'Nano Banana 2', exact: true }).waitFor()
    expect(problems).toEqual([])
    await page.close()
    await open.close()
  }, 60_000)

  it('remembers the theme that was chosen', async () => {
    const { page } = await openConsole(browser, gateway.url)
    const ground = () => page.evaluate('getComputedStyle(document.documentElement).backgroundColor')
    const light = await ground()
    await page.getByLabel('Theme').selectOption('dark')
    expect(await ground()).not.toBe(light)
    await page.reload()
    expect(await ground()).not.toBe(light)
    await page.close()
  }, 60_000)

  it('finds models by words, mode, provider and price', async () => {
    const { page } = await openConsole(browser, gateway.url)
    const names = () => page.locator('.card h2').allTextContents()
    await page.getByText(/^26 of/).waitFor()
    await page.getByLabel('Search').fill('banana google')
    await page.getByText(/^[45] of/).waitFor()
    expect((await names()).every((name) => name.includes('Banana'))).toBe(true)
    await page.getByLabel('Search').fill('')
    await page.getByLabel('Price from').selectOption('0.01')
    await page.getByLabel('Mode').selectOption('text_to_image')
    await page.getByLabel('Provider').selectOption('replicate')
    await expect.poll(async () => (await names()).length).toBeLessThan(8)
    expect(page.url()).toContain('provider=replicate')
    expect(await names()).toContain('FLUX.1 schnell')
    await page.close()
  }, 60_000)
})
