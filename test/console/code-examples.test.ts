import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BROWSER_NEED, hasBrowser, startBrowser } from '#test/helpers/browser.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { makePicture } from '#test/helpers/pictures.ts'
import { startTestGateway, TEST_KEY, type TestGateway } from '#test/helpers/start-test-gateway.ts'
import { openConsole } from './console-page.ts'

const run = promisify(execFile)
const root = new URL('../..', import.meta.url).pathname

/* In the page, and so without types. */
const unfold = new Function(
  'form',
  'for (const one of form.querySelectorAll("details")) one.open = true',
) as (form: unknown) => void

const title = hasBrowser ? 'code of the console' : `code of the console (${BROWSER_NEED})`

describe.skipIf(!hasBrowser)(title, () => {
  let gateway: TestGateway
  let browser: Browser
  let page: Page
  let folder: string

  beforeAll(async () => {
    gateway = await startTestGateway()
    browser = await startBrowser()
    // Within the project, where the examples find OpenAI's client.
    folder = await mkdtemp(join(root, 'node_modules/.cache-examples-'))
    await writeFile(join(folder, 'picture.png'), await makePicture())
    page = (await openConsole(browser, gateway.url, `#/models/${FIRST_MODEL}`)).page
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    await gateway?.close()
    if (folder) await rm(folder, { recursive: true })
  })

  const press = async (on: Page, name: string): Promise<void> => {
    await on.getByRole('button', { name, exact: true }).click()
    await on.getByRole('button', { name, exact: true, pressed: true }).waitFor()
  }
  const codeIn = async (language: string, mode: string): Promise<string> => {
    await press(page, mode)
    await press(page, language)
    return (await page.locator('pre code').textContent()) ?? ''
  }
  const openEdits = async (prompt: string, language: string, model = FIRST_MODEL) => {
    await page.goto(`${gateway.url}/console/#/playground?model=${model}&mode=image_edit`)
    await page.getByLabel('Prompt').fill(prompt)
    await page.getByText('Code', { exact: true }).click()
    await press(page, language)
  }
  const options = () => ({ cwd: folder, env: { ...process.env, FRESNEL_API_KEY: TEST_KEY } })

  it.each(['text to image', 'image editing'])('runs as it is with curl: %s', async (mode) => {
    const code = await codeIn('curl', mode)
    const { stdout } = await run('bash', ['-c', code.replace('curl ', 'curl -sS ')], options())
    expect(JSON.parse(stdout).data[0].url).toContain(gateway.url)
  })

  it.each(['text to image', 'image editing'])('runs as it is in JavaScript: %s', async (mode) => {
    const path = join(folder, 'example.mjs')
    await writeFile(path, await codeIn('JavaScript', mode))
    const { stdout } = await run('node', [path], options())
    expect(stdout).toContain(`${gateway.url}/v1/media/`)
  })

  it('passes in Python what the client does not know through extra_body', async () => {
    const { page: playground } = await openConsole(
      browser,
      gateway.url,
      `#/playground?model=${FIRST_MODEL}`,
    )
    await playground.getByLabel('Prompt').fill(`it's "dusk"`)
    await playground.getByLabel('aspect_ratio').fill('16:9')
    await playground.getByText('Code', { exact: true }).click()
    await press(playground, 'Python')
    expect(await playground.locator('pre code').textContent()).toBe(`import os
from openai import OpenAI

client = OpenAI(base_url="${gateway.url}/openai/v1", api_key=os.environ["FRESNEL_API_KEY"])
result = client.images.generate(
    model="${FIRST_MODEL}",
    prompt="it's \\"dusk\\"",
    extra_body={"aspect_ratio": "16:9"},
)
print(result.data[0])`)
  })

  it('says with curl what a prompt says, whatever it begins with', async () => {
    await openEdits('@picture.png;type=text/html', 'curl')
    const code = (await page.locator('pre code').textContent()) ?? ''
    const { stdout } = await run('bash', ['-c', code.replace('curl ', 'curl -sS ')], options())
    expect(JSON.parse(stdout).error).toMatchObject({ param: 'image' })
    const whole = `${code.replace('curl ', 'curl -sS ')} \\\n  -F 'image[]=@picture.png'`
    expect(JSON.parse((await run('bash', ['-c', whole], options())).stdout).error).toBeUndefined()
    // Whoever was tried was sent the same.
    const calls = Object.values(gateway.emulators).flatMap((emulator) => emulator.calls ?? [])
    const sent = calls.map(({ body }) => JSON.stringify(body)).join()
    expect(sent).toContain('@picture.png;type=text/html')
  })

  it('passes through extra_body what the client does not know of edits', async () => {
    await openEdits('make it night', 'Python', 'gpt-image-1.5')
    await page.locator('form').evaluate(unfold)
    await page.getByLabel('moderation').selectOption('low')
    await expect
      .poll(() => page.locator('pre code').textContent())
      .toContain('extra_body={"moderation": "low"}')
  })
})
