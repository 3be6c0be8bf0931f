import { connect } from 'node:net'
import sharp from 'sharp'
import { expect, it, vi } from 'vitest'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { encodeForm, FORM_BOUNDARY, filePart, textPart } from '#test/helpers/raw-form.ts'
import { EDITS, TEST_KEY } from '#test/helpers/start-test-gateway.ts'
import { setUpResilience } from './resilience-setup.ts'

const setup = setUpResilience(10)

/** Its ends leave a doubt, so that it is decoded: that takes a while. */
const slowPicture = async (): Promise<Buffer> => {
  const create = { width: 7000, height: 7000, channels: 3 as const, background: '#123456' }
  const bytes = await sharp({ create }).jpeg({ progressive: true, quality: 20 }).toBuffer()
  return Buffer.concat([bytes, Buffer.from([0])])
}

const picture = await slowPicture()
const COUNT = 8

it('counts a request, and its bytes, until its pictures were looked at, though its client has left, and then no more', async () => {
  const gateway = await setup().start({})
  const fields = [textPart('model', FIRST_MODEL), textPart('prompt', 'combine')]
  const files = Array.from({ length: COUNT }, () => filePart(picture))
  const body = encodeForm([...fields, ...files])
  const socket = connect(gateway.port, '127.0.0.1').on('error', () => undefined)
  socket.write(
    `POST ${EDITS} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer ${TEST_KEY}\r\n` +
      `content-type: multipart/form-data; boundary=${FORM_BOUNDARY}\r\ncontent-length: ${body.length}\r\n\r\n`,
  )
  socket.write(body)
  const soon = { timeout: 10_000, interval: 5 }
  const waiting = () => gateway.metric('fresnel_image_queue', { state: 'waiting' })
  await vi.waitFor(async () => expect(await waiting()).toBeGreaterThan(0), soon)
  socket.destroy()
  const left = { route: 'images_edits', status: '499' }
  const hasLeft = () => gateway.metric('fresnel_http_responses_total', left)
  await vi.waitFor(async () => expect(await hasLeft()).toBe(1), soon)
  const admitted = () => gateway.metric('fresnel_admitted_requests')
  const held = () => gateway.metric('fresnel_memory_bytes', { state: 'held' })
  expect([await admitted(), await held()]).toEqual([1, COUNT * picture.length])
  const ended = { endpoint: 'edits', outcome: 'cancelled' }
  const hasEnded = () => gateway.metric('fresnel_requests_total', ended)
  await vi.waitFor(async () => expect(await hasEnded()).toBe(1), { timeout: 20_000 })
  await vi.waitFor(async () => expect([await admitted(), await held()]).toEqual([0, 0]), soon)
}, 60_000)
