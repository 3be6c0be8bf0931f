import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { BROWSER_NEED, hasBrowser, startBrowser } from '#test/helpers/browser.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { makePicture } from '#test/helpers/pictures.ts'
import {
  resetEmulators,
  startTestGateway,
  type TestGateway,
} from '#test/helpers/start-test-gateway.ts'
import { openConsole } from './console-page.ts'

/** In the page, and so without types: drops a file there, or pastes it. */
const handOver = new Function(
  'target',
  '{ kind, bytes }',
  `const transfer = new DataTransfer()
  transfer.items.add(new File([new Uint8Array(bytes)], kind + '.png', { type: 'image/png' }))
  const how = { bubbles: true, cancelable: true }
  target.dispatchEvent(
    kind === 'drop'
      ? new DragEvent('drop', { dataTransfer: transfer, ...how })
      : new ClipboardEvent('paste', { clipboardData: transfer, ...how }),
  )`,
) as (target: unknown, what: { readonly kind: string; readonly bytes: readonly number[] }) => void

const title = (name: string) => (hasBrowser ? name : `${name} (${BROWSER_NEED})`)

describe.skipIf(!hasBrowser)(title('in the console, a reader'), () => {
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
  beforeEach(() => resetEmulators(gateway))

  const openPlayground = (query = '') =>
    openConsole(browser, gateway.url, `#/playground?model=${FIRST_MODEL}${query}`)

  const generate = async (page: Page, prompt: string): Promise<void> => {
    await page.getByLabel('Prompt').fill(prompt)
    await page.getByRole('button', { name: 'Generate' }).click()
  }
  const done = (page: Page, state = 'completed') =>
    page.locator(`.run[data-state=${state}]`).first()

  it('picks a model, generates a picture, and reads why it came from there', async () => {
    const { page, problems } = await openConsole(browser, gateway.url)
    await page.getByRole('link', { name: 'Nano Banana 2', exact: true }).click()
    await page.getByRole('heading', { name: 'Offerings' }).waitFor()
    await page.getByRole('link', { name: 'Try it' }).click()
    await page.getByText(/^about/).waitFor()
    await page.getByLabel('aspect_ratio').fill('16:9')
    await generate(page, 'a lighthouse at dusk')
    await done(page).waitFor()
    const [call] = gateway.emulators.gemini.calls
    expect(call?.body).toMatchObject({ contents: [{ parts: [{ text: 'a lighthouse at dusk' }] }] })
    expect(JSON.stringify(call?.body)).toContain('16:9')
    const download = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Download' }).click()
    expect((await download).suggestedFilename()).toBe(`${FIRST_MODEL}-1.png`)
    await page.getByRole('link', { name: 'Why it went so' }).click()
    await page.getByText(/Tries gemini\/.*: its score is the best/).waitFor()
    await page.getByRole('link', { name: 'Try it again' }).click()
    expect(await page.getByLabel('Prompt').inputValue()).toBe('a lighthouse at dusk')
    expect(await page.getByLabel('aspect_ratio').inputValue()).toBe('16:9')
    expect(problems).toEqual([])
    await page.close()
  }, 60_000)

  it('changes two pictures, in the order that was put', async () => {
    const { page, problems } = await openPlayground('&mode=image_edit')
    const files = [
      {
        name: 'red.png',
        mimeType: 'image/png',
        buffer: await makePicture('png', { background: '#ff0000' }),
      },
      {
        name: 'blue.png',
        mimeType: 'image/png',
        buffer: await makePicture('png', { background: '#0000ff' }),
      },
    ]
    await page.getByLabel('Pictures to be changed').setInputFiles(files)
    await page.getByRole('group', { name: 'Picture 2' }).getByLabel('Earlier').click()
    await page.getByText('1. blue.png').waitFor()
    await page.getByText(/^about/).waitFor()
    await generate(page, 'put them side by side')
    await done(page).waitFor()
    const sent = JSON.stringify(gateway.emulators.gemini.calls.at(-1)?.body)
    const [red, blue] = files.map(({ buffer }) => sent.indexOf(buffer.toString('base64')))
    expect(blue).toBeGreaterThan(0)
    expect(red).toBeGreaterThan(blue ?? 0)
    await page.getByRole('button', { name: 'Use as input' }).click()
    await page.getByText(/^3\. /).waitFor()
    expect(problems).toEqual([])
    await page.close()
  }, 60_000)

  it('takes pictures that are dropped and pasted', async () => {
    const { page } = await openPlayground('&mode=image_edit')
    const bytes = [...(await makePicture())]
    await page.getByLabel('Pictures to be changed').waitFor()
    for (const [kind, where] of [
      ['drop', '.pictures'],
      ['paste', '#prompt'],
    ] as const) {
      await page.locator(where).first().evaluate(handOver, { kind, bytes })
      await page.getByText(new RegExp(`${kind}.png, `)).waitFor()
    }
    expect(await page.locator('.thumbnails li').count()).toBe(2)
    await page.getByLabel('Remove').first().click()
    await page.getByText('1. paste.png').waitFor()
    await page.close()
  }, 60_000)

  it('sees a failover happen, and reads what went wrong', async () => {
    gateway.emulators.gemini.setScenario({ always: 'server_error' })
    const { page, problems } = await openPlayground()
    await generate(page, 'a lighthouse')
    await done(page).waitFor()
    const attempts = page.locator('.run .time-line li')
    await expect.poll(() => attempts.count()).toBeGreaterThan(1)
    expect(await attempts.first().textContent()).toMatch(/gemini.*failed/s)
    expect(await attempts.last().textContent()).toContain('completed')
    await page.getByRole('link', { name: 'Why it went so' }).click()
    await page.getByRole('heading', { name: 'Attempts' }).waitFor()
    expect(await page.locator('.time-line li').count()).toBeGreaterThan(1)
    expect(problems).toEqual([])
    await page.close()
  }, 60_000)

  it('cancels what takes too long, and the provider is told', async () => {
    gateway.emulators.fal.setScenario({ latency: { p50Ms: 600_000, p95Ms: 600_001 } })
    const { page } = await openPlayground('&provider=fal')
    await generate(page, 'a lighthouse')
    await expect.poll(() => gateway.emulators.fal.count('create')).toBe(1)
    await page
      .locator('.run')
      .getByText(/started/)
      .waitFor()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await done(page, 'cancelled').waitFor()
    await expect.poll(() => gateway.emulators.fal.count('cancel')).toBe(1)
    await page.close()
  }, 60_000)

  it('compares two providers on one prompt', async () => {
    const { page, problems } = await openPlayground()
    await page.getByRole('button', { name: 'Compare with another' }).click()
    await page.getByLabel('Provider', { exact: true }).selectOption('fal')
    await page.getByLabel('Provider 2').selectOption('vertex')
    await expect.poll(() => page.getByText(/^about/).count()).toBe(2)
    await generate(page, 'a lighthouse')
    await expect.poll(() => page.locator('.run[data-state=completed]').count()).toBe(2)
    expect(
      [gateway.emulators.fal, gateway.emulators.vertex].map((one) => one.count('create')),
    ).toEqual([1, 1])
    expect(problems).toEqual([])
    await page.close()
  }, 60_000)

  it('is told what the gateway refuses, and by which parameter', async () => {
    const { page } = await openPlayground()
    await page.getByLabel('size', { exact: true }).fill('huge')
    await generate(page, 'a lighthouse')
    await done(page, 'failed').waitFor()
    expect(await page.locator('.run').textContent()).toMatch(/INVALID_REQUEST.*size/s)
    expect(gateway.creates()).toBe(0)
    await page.close()
  }, 60_000)

  it('watches the routing of a model change', async () => {
    const { page, problems } = await openConsole(
      browser,
      gateway.url,
      `#/routing?model=${FIRST_MODEL}`,
    )
    await page.getByText(/^Tries gemini/).waitFor()
    await page.getByLabel('Sort').selectOption('price')
    await expect.poll(() => page.url()).toContain('sort=price')
    await page.getByText(/Providers in the order/).waitFor()
    expect(problems).toEqual([])
    await page.close()
  }, 60_000)
})
