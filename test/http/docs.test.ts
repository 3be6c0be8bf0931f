import { get, type IncomingMessage } from 'node:http'
import { text as readText } from 'node:stream/consumers'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BROWSER_NEED, hasBrowser, openWatchedPage, startBrowser } from '#test/helpers/browser.ts'
import { startTestGateway, type TestGateway } from '#test/helpers/start-test-gateway.ts'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startTestGateway()
})
afterAll(() => gateway.close())

describe('GET /docs', () => {
  it('is a page for everybody that lets in nothing of other hosts', async () => {
    const response = await fetch(`${gateway.url}/docs`)
    expect([response.status, response.url]).toEqual([200, `${gateway.url}/docs/`])
    const page = await response.text()
    expect(page).not.toMatch(/https?:\/\//)
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(response.headers.get('content-security-policy')?.split('; ')).toEqual([
      "default-src 'none'",
      expect.stringMatching(/^script-src 'self' 'sha256-[A-Za-z0-9+/]{43}='$/),
      "style-src 'self' 'unsafe-inline'",
      "img-src 'self' data: blob:",
      "font-src 'self' data:",
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ])
  })

  it('has a script that browsers keep for an hour', async () => {
    const { status, headers } = await fetch(`${gateway.url}/docs/js/scalar.js`)
    expect([status, headers.get('content-type'), headers.get('cache-control')]).toEqual([
      200,
      'application/javascript; charset=utf-8',
      'public, max-age=3600',
    ])
  })

  it('is a 400 for a Host that is none', async () => {
    const { hostname, port } = new URL(gateway.url)
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      get({ hostname, port, path: '/docs/', headers: { host: 'a b' } }, resolve).on('error', reject)
    })
    expect([answer.statusCode, JSON.parse(await readText(answer))]).toEqual([
      400,
      {
        error: {
          message: 'The Host header is not a host.',
          type: 'invalid_request_error',
          param: 'host',
          code: 'INVALID_REQUEST',
        },
      },
    ])
  })

  describe.skipIf(!hasBrowser)(`in a browser (${BROWSER_NEED})`, () => {
    let browser: Browser
    beforeAll(async () => {
      browser = await startBrowser()
    })
    afterAll(() => browser.close())

    it('shows every operation without asking another host or breaking its policy', async () => {
      const { page, requests, problems } = await openWatchedPage(browser)
      await page.goto(`${gateway.url}/docs`)
      await page.getByRole('heading', { name: 'Fresnel' }).first().waitFor()
      const shown = (text: string) => page.getByText(text).filter({ visible: true }).first()
      for (const text of ['Images', 'Models', 'Requests', 'Operations', 'Make images from text']) {
        await shown(text).waitFor()
      }
      await shown('Make images from text').click()
      await shown('Idempotency-Key').waitFor()
      // Fonts are asked for last, once there is text to show in them.
      await page.evaluate('document.fonts.ready.then(() => true)')
      expect(problems).toEqual([])
      expect(new Set(requests.map((url) => new URL(url).origin))).toEqual(new Set([gateway.url]))
      expect(requests).toContain(`${gateway.url}/openapi.json`)
    })
  })
})
