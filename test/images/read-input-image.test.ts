import { afterEach, describe, expect, it } from 'vitest'
import { joinPieces } from '#src/bytes/pieces.ts'
import type { InputBytes } from '#src/domain/image-request.ts'
import { createImageFetcher } from '#src/images/fetch-image.ts'
import { readInputImage } from '#src/images/read-input-image.ts'
import { startImageServer } from './image-server.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()))
})

const { signal } = new AbortController()
const read = (reference: string) => readInputImage(reference, 'image[0]', { maxBytes: 10, signal })

const readOverNetwork = async (body: string) => {
  const server = await startImageServer((_, response) => response.end(body))
  const fetcher = createImageFetcher({
    allowedHosts: [`127.0.0.1:${server.port}`],
    maxBytes: 1000,
    timeoutMs: 5000,
  })
  closers.push(server.close, fetcher.close)
  return (url = server.url) => readInputImage(url, 'image[0]', { fetcher, maxBytes: 10, signal })
}

const refusal = (message: string) => ({
  code: 'INVALID_REQUEST',
  message,
  options: { param: 'image[0]' },
})

const textOf = async (read: Promise<InputBytes>): Promise<string> =>
  joinPieces((await read).pieces).toString()

describe('readInputImage', () => {
  it('decodes a data URI', async () => {
    expect(await textOf(read('data:image/png;base64,aW1hZ2U='))).toBe('image')
  })

  it('refuses a data URI without base64 and one that is too long', async () => {
    await expect(read('data:image/svg+xml,<svg/>')).rejects.toMatchObject(
      refusal('image[0] must be of the form data:image/png;base64,…'),
    )
    await expect(read(`data:;base64,${'A'.repeat(20)}`)).rejects.toMatchObject(
      refusal('image[0] has more than 10 bytes'),
    )
  })

  it('refuses a URL when fetching is switched off', async () => {
    await expect(read('https://example.com/a.png')).rejects.toMatchObject(
      refusal(
        'image[0]: image URLs are not fetched by this gateway; send a data URI or upload the file',
      ),
    )
  })

  it('fetches a URL', async () => {
    const readUrl = await readOverNetwork('image')
    expect(await textOf(readUrl())).toBe('image')
  })

  it('names the field when a URL is too large or forbidden', async () => {
    const readUrl = await readOverNetwork('far too many bytes')
    await expect(readUrl()).rejects.toMatchObject(refusal('The image URL is larger than 10 bytes'))
    await expect(readUrl('https://127.0.0.1/')).rejects.toMatchObject(
      refusal('The image URL points to an address that is not public'),
    )
  })
})
