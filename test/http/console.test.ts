import { createHash } from 'node:crypto'
import { get } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestGateway, type TestGateway } from '#test/helpers/start-test-gateway.ts'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startTestGateway()
})
afterAll(() => gateway.close())

/** Bytes as they come: `fetch` would unpack them. */
const raw = (path: string, headers: Record<string, string> = {}) =>
  new Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }>(
    (resolve, reject) => {
      get(gateway.url + path, { headers }, async (answer) =>
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          body: await buffer(answer),
        }),
      ).on('error', reject)
    },
  )

/** Paths of everything that the page names. */
const filesOf = (page: string): string[] =>
  [...page.matchAll(/(?:href|src)="\.\/([^"]+)"/g)].map(([, path = '']) => path)

describe('GET /console', () => {
  it('leads to a page for everybody that lets in nothing of other hosts', async () => {
    const response = await fetch(`${gateway.url}/console?a=b`)
    expect([response.status, response.url]).toEqual([200, `${gateway.url}/console/?a=b`])
    const page = await response.text()
    expect(page).not.toMatch(/https?:\/\//)
    const [, map = ''] = /<script type="importmap">(.*?)<\/script>/.exec(page) ?? []
    const hash = createHash('sha256').update(map).digest('base64')
    expect(response.headers.get('content-security-policy')?.split('; ')).toEqual([
      "default-src 'none'",
      `script-src 'self' 'sha256-${hash}'`,
      "style-src 'self'",
      "img-src 'self' blob:",
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      'trusted-types lit-html',
    ])
  })

  it('weighs less than 300 kB with everything that the page loads', async () => {
    const page = (await raw('/console/', { 'accept-encoding': 'br' })).body
    const paths = filesOf(brotliDecompressSync(page).toString())
    expect(paths).toContain('main.ts')
    const sizes = await Promise.all(
      [...paths, 'packages/uplot.js'].map(
        async (path) => (await raw(`/console/${path}`, { 'accept-encoding': 'br' })).body.length,
      ),
    )
    expect(sizes.reduce((sum, size) => sum + size, page.length)).toBeLessThan(300_000)
  })

  it('sends modules as JavaScript, packed as the browser likes it', async () => {
    const path = '/console/formats.ts'
    const [plain, zipped, brotli, refused] = await Promise.all([
      raw(path),
      raw(path, { 'accept-encoding': 'gzip, deflate' }),
      raw(path, { 'accept-encoding': 'gzip;q=0.5, br;q=1' }),
      raw(path, { 'accept-encoding': 'gzip;q=0, br;q=0.0' }),
    ])
    expect(plain.headers['content-type']).toBe('text/javascript; charset=utf-8')
    expect(plain.headers['vary']).toBe('accept-encoding')
    expect(plain.body.toString()).not.toContain(': string')
    expect(
      [plain, zipped, brotli, refused].map(({ headers }) => headers['content-encoding']),
    ).toEqual([undefined, 'gzip', 'br', undefined])
    expect(gunzipSync(zipped.body).equals(plain.body)).toBe(true)
    expect(brotliDecompressSync(brotli.body).equals(plain.body)).toBe(true)
  })

  it('sends nothing again that the browser has', async () => {
    const page = await raw('/console/')
    const etagOfPage = String(page.headers['etag'])
    const known = await raw('/console/', { 'if-none-match': etagOfPage })
    expect(known.status).toBe(304)
    // Browsers take the headers of a 304 for those of what they have.
    const name = 'content-security-policy'
    expect(known.headers[name]).toBe(page.headers[name])
    const first = await raw('/console/main.ts')
    const etag = String(first.headers['etag'])
    const again = await raw('/console/main.ts', { 'if-none-match': `"other", W/${etag}` })
    expect([first.headers['cache-control'], again.status, again.body.length]).toEqual([
      'no-cache',
      304,
      0,
    ])
  })

  it.each([
    '/console/nothing.ts',
    '/console/../package.json',
    '/console/%2e%2e/tsconfig.json',
    '/console/index.html',
    '/console/tsconfig.json',
  ])('has no %s', async (path) => {
    const { status, body } = await raw(path)
    expect(status).toBe(404)
    expect(JSON.parse(body.toString()).error.code).toMatch(/NOT_FOUND/)
  })

  it('tells whether the API asks for keys', async () => {
    const { body } = await raw('/console/settings.json')
    expect(JSON.parse(body.toString())).toEqual({ asks_for_keys: true })
  })
})
