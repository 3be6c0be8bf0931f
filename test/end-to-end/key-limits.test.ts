import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import {
  EDITS,
  GENERATIONS,
  startTestGateway,
  type TestGateway,
} from '#test/helpers/start-test-gateway.ts'

describe('a key for one request at a time', () => {
  let folder: string
  let gateway: TestGateway
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fresnel-limits-'))
    const file = join(folder, 'fresnel.yaml')
    await writeFile(file, 'keys: [{ key: single, limits: { concurrent: 1 } }]')
    gateway = await startTestGateway({ environment: { CONFIG_FILE: file } })
  })
  afterAll(async () => {
    await gateway.close()
    await rm(folder, { recursive: true, force: true })
  })

  const own = { authorization: 'Bearer single' }
  const body = { model: FIRST_MODEL, prompt: 'a lighthouse' }

  /** Sends the beginning of a form, and no more. */
  const beginForm = async () => {
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(
      [
        `POST ${EDITS} HTTP/1.1`,
        'host: x',
        'authorization: Bearer single',
        'content-type: multipart/form-data; boundary=b',
        'content-length: 90000000',
        '',
        '--b\r\ncontent-disposition: form-data; name="image"; filename="a.png"\r\n\r\nx',
      ].join('\r\n'),
    )
    return socket
  }

  it('has it in while its form comes, until its client leaves', async () => {
    const socket = await beginForm()
    await expect
      .poll(async () => (await gateway.post(GENERATIONS, body, own)).status, { timeout: 10_000 })
      .toBe(429)
    socket.destroy()
    await expect
      .poll(async () => (await gateway.post(GENERATIONS, body, own)).status, { timeout: 10_000 })
      .toBe(200)
  })

  it('has it out again when its form is refused, streamed or not', async () => {
    for (const stream of ['true', 'false', 'maybe']) {
      const form = new FormData()
      form.set('model', FIRST_MODEL)
      form.set('prompt', 'a lighthouse')
      form.set('stream', stream)
      form.set('image', new Blob([Buffer.from('no picture')]), 'a.png')
      const answer = await fetch(gateway.url + EDITS, { method: 'POST', headers: own, body: form })
      expect(answer.status).toBe(400)
    }
    // Scaled: 0.8 s.
    gateway.emulators.fal.setScenario({ latency: { p50Ms: 80_000, p95Ms: 80_000 } })
    const streamed = await fetch(gateway.url + GENERATIONS, {
      method: 'POST',
      headers: { ...own, 'content-type': 'application/json' },
      body: JSON.stringify({ ...body, stream: true, provider: { only: ['fal'] } }),
    })
    // In until its images are there, not only until its headers are sent.
    expect((await gateway.post(GENERATIONS, body, own)).status).toBe(429)
    expect(await streamed.text()).toContain('image_generation.completed')
    expect((await gateway.post(GENERATIONS, body, own)).status).toBe(200)
  })
})
