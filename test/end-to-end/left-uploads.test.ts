import { connect } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { encodeForm, FORM_BOUNDARY, filePart, textPart } from '#test/helpers/raw-form.ts'
import {
  EDITS,
  startTestGateway,
  TEST_KEY,
  type TestGateway,
} from '#test/helpers/start-test-gateway.ts'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startTestGateway()
})
afterAll(() => gateway.close())

const fields = [textPart('model', FIRST_MODEL), textPart('prompt', 'combine')]
const form = encodeForm([...fields, filePart(Buffer.alloc(200_000, 7))])
const json = Buffer.from(JSON.stringify({ model: FIRST_MODEL, prompt: 'x'.repeat(200_000) }))

it.each([
  ['a form', `multipart/form-data; boundary=${FORM_BOUNDARY}`, form],
  ['JSON', 'application/json', json],
])(
  'a client that leaves while it sends %s is no error of the gateway',
  async (_what, type, body) => {
    const id = `left-${type.length}`
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1').on(
      'error',
      () => undefined,
    )
    socket.write(
      `POST ${EDITS} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer ${TEST_KEY}\r\nx-request-id: ${id}\r\n` +
        `content-type: ${type}\r\ncontent-length: ${body.length}\r\n\r\n`,
    )
    socket.write(body.subarray(0, 100_000), () => setTimeout(() => socket.destroy(), 100))
    const lines = () =>
      gateway
        .logText()
        .split('\n')
        .filter((line) => line.includes(id))
    await expect.poll(() => lines().length, { timeout: 5_000 }).toBeGreaterThan(0)
    expect(lines().map((line) => JSON.parse(line).level)).toEqual(['debug'])
  },
)
