import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { BROWSER_NEED, hasBrowser, startBrowser } from '#test/helpers/browser.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import {
  resetEmulators,
  startTestGateway,
  TEST_KEY,
  type TestGateway,
} from '#test/helpers/start-test-gateway.ts'
import { openConsole } from './console-page.ts'

/* In the page, and so without types. */
const unfold = new Function(
  'form',
  'for (const one of form.querySelectorAll("details")) one.open = true',
) as (form: unknown) => void
const chosenIn = new Function(
  'fields',
  'return fields.map(({ id, value }) => [id.slice(6), value]).filter(([, value]) => value !== "")',
) as (fields: unknown) => string[][]
const isWhole = new Function(
  'shown',
  'const image = new Image(); image.src = shown.src; return image.decode().then(() => true, () => false)',
) as (shown: unknown) => Promise<boolean>

const isDropKept = new Function(
  'place',
  `const dataTransfer = new DataTransfer()
  dataTransfer.items.add(new File(['x'], 'a.png', { type: 'image/png' }))
  return ['dragover', 'drop'].every(
    (type) => !place.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true })))`,
) as (place: unknown) => boolean

const title = hasBrowser ? 'the playground' : `the playground (${BROWSER_NEED})`

/** Takes `guidance_scale`, which the first model does not. */
const OTHER_MODEL = 'flux-1-dev'

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
  beforeEach(() => resetEmulators(gateway))

  const openPlayground = async (model: string): Promise<Page> => {
    const { page } = await openConsole(browser, gateway.url, `#/playground?model=${model}`)
    await page.locator('details.fields').first().waitFor()
    return page
  }
  /** With all groups of fields unfolded. */
  const fieldOf = async (page: Page, name: string) => {
    await page.locator('form').evaluate(unfold)
    return page.locator(`#field-${name}`)
  }
  const sent = async (page: Page): Promise<object> => {
    const asked = page.waitForRequest((request) => request.url().endsWith('/images/generations'))
    await page.getByLabel('Prompt').fill('a lighthouse')
    await page.getByRole('button', { name: 'Generate' }).click()
    return (await asked).postDataJSON()
  }

  it('takes decimal numbers as they are typed', async () => {
    const page = await openPlayground(OTHER_MODEL)
    const field = await fieldOf(page, 'guidance_scale')
    await field.click()
    await page.keyboard.type('10.05', { delay: 30 })
    expect(await field.inputValue()).toBe('10.05')
    expect(await sent(page)).toMatchObject({ guidance_scale: 10.05 })
    await page.close()
  }, 60_000)

  it('sends nothing that its form does not show when another model is chosen', async () => {
    const page = await openPlayground(OTHER_MODEL)
    await (await fieldOf(page, 'guidance_scale')).fill('3')
    await page.getByLabel('Model', { exact: true }).selectOption(FIRST_MODEL)
    await page.locator('#field-guidance_scale').waitFor({ state: 'detached' })
    await page.locator('#field-n').waitFor({ state: 'attached' })
    expect(await sent(page)).toEqual({
      model: FIRST_MODEL,
      prompt: 'a lighthouse',
      stream: true,
    })
    await page.close()
  }, 60_000)

  it('shows every choice as it is sent after another model was chosen', async () => {
    const page = await openPlayground(OTHER_MODEL)
    await page.locator('form').evaluate(unfold)
    for (const select of await page.locator('.field-grid select').all()) {
      await select.selectOption({ index: 1 })
    }
    await page.getByLabel('Model', { exact: true }).selectOption(FIRST_MODEL)
    await page.locator('#field-guidance_scale').waitFor({ state: 'detached' })
    await page.locator('#field-n').waitFor({ state: 'attached' })
    const chosen = await page.locator('.field-grid select').evaluateAll(chosenIn)
    const body = Object.entries(await sent(page)).filter(
      ([name]) => !['model', 'prompt', 'stream'].includes(name),
    )
    expect(body.map(([name, value]) => [name, String(value)]).sort()).toEqual(chosen.sort())
    await page.close()
  }, 60_000)

  it('keeps results whole when they are used as input and taken away again', async () => {
    const page = await openPlayground(FIRST_MODEL)
    await sent(page)
    await page.getByRole('button', { name: 'Use as input' }).click()
    await page.getByLabel('Remove').click()
    await page.getByText(/^1\. /).waitFor({ state: 'detached' })
    expect(await page.locator('.result img').evaluate(isWhole)).toBe(true)
    await page.close()
  }, 60_000)

  it('offers a result as input only to models that change pictures', async () => {
    const page = await openPlayground(OTHER_MODEL)
    await sent(page)
    expect(await page.getByRole('button', { name: 'Use as input' }).isDisabled()).toBe(true)
    await page.close()
  }, 60_000)

  it('says why a model cannot be shown', async () => {
    const { page } = await openConsole(browser, gateway.url, '#/playground?model=nobody')
    await page.getByText('MODEL_NOT_FOUND').waitFor()
    await page.getByLabel('Prompt').fill('a lighthouse')
    expect(await page.getByRole('button', { name: 'Generate' }).isDisabled()).toBe(true)
    await page.close()
  }, 60_000)

  it('leads to the log from a request that was refused', async () => {
    const page = await openPlayground(FIRST_MODEL)
    await (await fieldOf(page, 'size')).fill('huge')
    await sent(page)
    await page.getByRole('link', { name: 'Why it went so' }).click()
    await page.getByText('No provider was asked.').waitFor()
    await page.close()
  }, 60_000)

  it('keeps the progress in sight of a request with a long prompt', async () => {
    gateway.emulators.fal.setScenario({ latency: { p50Ms: 600_000, p95Ms: 600_001 } })
    const page = await openPlayground(FIRST_MODEL)
    await page.getByLabel('Provider', { exact: true }).selectOption('fal')
    await page.getByLabel('Prompt').fill('a lighthouse '.repeat(200))
    await page.getByRole('button', { name: 'Generate' }).click()
    const cancel = page.getByRole('button', { name: 'Cancel' })
    expect((await cancel.boundingBox())?.y).toBeLessThan(500)
    await cancel.click()
    await page.close()
  }, 60_000)

  it('opens no file that is dropped beside its place', async () => {
    const page = await openPlayground(FIRST_MODEL)
    expect(await page.locator('h1').evaluate(isDropKept)).toBe(true)
    await page.close()
  }, 60_000)

  it('tells who hears it how a request ended', async () => {
    const page = await openPlayground(FIRST_MODEL)
    await sent(page)
    await page.locator('.run [role=status]').getByText('completed').waitFor()
    await page.close()
  }, 60_000)

  it('does not say of a request under way that nobody was asked', async () => {
    gateway.emulators.fal.setScenario({ latency: { p50Ms: 600_000, p95Ms: 600_001 } })
    const answer = await fetch(`${gateway.url}/openai/v1/images/generations`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${TEST_KEY}`,
        'content-type': 'application/json',
        prefer: 'respond-async',
      },
      body: JSON.stringify({ model: FIRST_MODEL, prompt: 'a', provider: { only: ['fal'] } }),
    })
    const { id } = (await answer.json()) as { id: string }
    const { page } = await openConsole(browser, gateway.url, `#/requests/${id}`)
    await page.getByText('No attempt has ended yet.').waitFor()
    await page.close()
  }, 60_000)
})
