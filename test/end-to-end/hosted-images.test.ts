import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { rawRequest } from '#test/helpers/raw-request.ts'
import {
  resetEmulators,
  startTestGateway,
  TEST_KEY,
  type TestGateway,
} from '#test/helpers/start-test-gateway.ts'

const GENERATIONS = '/openai/v1/images/generations'
const prompt = { model: FIRST_MODEL, prompt: 'p' }

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startTestGateway()
})
afterAll(() => gateway.close())
beforeEach(() => resetEmulators(gateway))

describe('media URLs', () => {
  it.each(['a b"c/d', ''])('do not repeat the host header %j', async (host) => {
    const port = Number(new URL(gateway.url).port)
    const body = JSON.stringify({ ...prompt, response_format: 'url' })
    const text = await rawRequest(
      port,
      `POST ${GENERATIONS} HTTP/1.0\r\nhost: ${host}\r\nauthorization: Bearer ${TEST_KEY}\r\n` +
        `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    expect(text).toContain(`"url":"http://127.0.0.1:${port}/v1/media/`)
  })
})

describe('hosted images', () => {
  const host = async () => {
    const { body } = await gateway.post(GENERATIONS, prompt)
    return new URL(body.data[0].url)
  }
  const open = async (url: URL | string) => {
    const response = await fetch(url)
    return [response.status, response.headers.get('content-type')]
  }

  it('open by their signed URL only', async () => {
    const url = await host()
    expect(await open(url)).toEqual([200, 'image/png'])
    const missing = [404, 'application/json']
    const forged = new URL(url)
    forged.searchParams.set('expires', '9999999999')
    expect(await open(forged)).toEqual(missing)
    expect(await open(`${gateway.url}${url.pathname}`)).toEqual(missing)
    const otherFile = url.href.replace(/[0-9a-f]\.png/, '0.png').replace('media/1', 'media/2')
    expect(await open(otherFile)).toEqual(missing)
    expect(await open(`${gateway.url}/v1/media/..%2F.signing-key${url.search}`)).toEqual(missing)
  })

  it('answer HEAD with their length', async () => {
    const response = await fetch(await host(), { method: 'HEAD' })
    expect([response.status, Number(response.headers.get('content-length')) > 0]).toEqual([
      200,
      true,
    ])
  })
})
