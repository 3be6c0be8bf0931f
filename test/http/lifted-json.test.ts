import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import fastify, { type FastifyRequest } from 'fastify'
import { describe, expect, it } from 'vitest'
import type { JsonValue } from '#src/domain/json.ts'
import { registerLiftedJson, restoreLifted } from '#src/http/lifted-json.ts'
import { registerErrorHandler } from '#src/http/plugins/error-handler.ts'

const LIMIT_BYTES = 1_000_000
const PICTURE = Buffer.alloc(30_000, 'picture').toString('base64')
const DATA_URI = `data:image/png;base64,${PICTURE}`

const setUp = () => {
  const app = fastify()
  const seen: FastifyRequest[] = []
  registerErrorHandler(app)
  app.register(async (scope) => {
    registerLiftedJson(scope)
    scope.post('/', { bodyLimit: LIMIT_BYTES }, async (request) => {
      seen.push(request)
      return {}
    })
  })
  /** Sends a body in these pieces, without telling its length. */
  const send = async (pieces: readonly (Buffer | string)[], headers = {}) => {
    const { statusCode, body } = await app.inject({
      method: 'POST',
      url: '/',
      headers: { 'content-type': 'application/json', ...headers },
      payload: Readable.from(pieces.map((piece) => Buffer.from(piece))),
    })
    return { status: statusCode, body: JSON.parse(body), request: seen.at(-1) }
  }
  return { send, seen }
}

/** The body with everything that was lifted from it. */
const restored = ({ body, liftedBody }: FastifyRequest): JsonValue =>
  liftedBody ? restoreLifted(body as JsonValue, liftedBody) : (body as JsonValue)

const cutInto = (bytes: Buffer, cuts: readonly number[]): Buffer[] => {
  const places = [0, ...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length]
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end))
}

describe('a JSON body with pictures', () => {
  it('is read without them, and they as base64 in pieces', async () => {
    const { send } = setUp()
    const { request } = await send([JSON.stringify({ prompt: 'ä', image: DATA_URI })])
    const { image, prompt } = Object(request?.body) as { image: string; prompt: string }
    expect(prompt).toBe('ä')
    expect(image).toMatch(/^data:image\/png;base64,.{1,80}$/)
    const pieces = request?.liftedBody?.lifted(image.slice('data:image/png;base64,'.length))
    expect(Buffer.concat(pieces ?? []).toString()).toBe(PICTURE)
  })

  it('is refused when what is no picture is too much to be parsed in one go', async () => {
    const app = fastify()
    registerErrorHandler(app)
    registerLiftedJson(app)
    app.post('/', { bodyLimit: 100_000_000 }, async () => ({}))
    const send = async (payload: string) =>
      (
        await app.inject({
          method: 'POST',
          url: '/',
          headers: { 'content-type': 'application/json' },
          payload: Readable.from([Buffer.from(payload)]),
        })
      ).statusCode
    expect(await send(`{"junk":[${'[],'.repeat(400_000)}0]}`)).toBe(413)
    expect(await send(`{"junk":[${'[],'.repeat(300_000)}0]}`)).toBe(200)
    const escaped = encodeURIComponent(Buffer.alloc(1_500_000, '\xff\xfe?>').toString('base64'))
    expect(await send(`{"image":"data:image/png;base64,${escaped}"}`)).toBe(200)
    expect(await send(`{"image":"data:image/png;base64, ${escaped}"}`)).toBe(200)
  })

  it('is what it was once they are put back, wherever they stood and however it came', async () => {
    const { send } = setUp()
    const leaf = fc.oneof(
      fc.constantFrom(DATA_URI, PICTURE, `${DATA_URI}!`, 'short', ''),
      fc.string({ unit: 'binary' }),
      fc.integer(),
      fc.boolean(),
    )
    const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        leaf as fc.Arbitrary<JsonValue>,
        fc.array(tie('value'), { maxLength: 3 }) as fc.Arbitrary<JsonValue>,
        fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), tie('value'), {
          maxKeys: 3,
        }) as fc.Arbitrary<JsonValue>,
      ),
    }))
    const cuts = fc.array(fc.nat(), { maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(value, cuts, async (body, places) => {
        const bytes = Buffer.from(JSON.stringify(body))
        const { status, request } = await send(cutInto(bytes, places))
        expect(status).toBe(200)
        expect(restored(request as FastifyRequest)).toEqual(JSON.parse(JSON.stringify(body)))
      }),
      { numRuns: 100 },
    )
  })

  it('is told by its digest, where others may be compared to it', async () => {
    const { send } = setUp()
    const text = JSON.stringify({ image: DATA_URI })
    const digest = createHash('sha256').update(text).digest('hex')
    const key = { 'idempotency-key': 'k' }
    expect((await send([text], key)).request?.liftedBody?.digest).toBe(digest)
    expect((await send([text])).request?.liftedBody?.digest).toBeUndefined()
  })

  it('has none of them lifted when there are none', async () => {
    const { send } = setUp()
    const { request } = await send(['{"prompt":"x","image":"https://example.com/a.png"}'])
    expect(request?.liftedBody).toBeNull()
  })
})

describe('a JSON body that cannot be read', () => {
  it.each([
    ['is cut off', `{"image":"${DATA_URI}`, 400],
    ['is none', 'image=1', 400],
    ['is empty', '', 400],
    ['names a prototype', `{"__proto__":{"a":1},"image":"${DATA_URI}"}`, 400],
    ['is too large', JSON.stringify({ text: 'x'.repeat(LIMIT_BYTES) }), 413],
    ['is too large by its pictures', JSON.stringify(Array(30).fill(DATA_URI)), 413],
  ])('is refused: it %s', async (_what, text, status) => {
    const { send, seen } = setUp()
    const answer = await send([text])
    expect([answer.status, answer.body.error.code]).toEqual([status, 'INVALID_REQUEST'])
    expect(seen).toEqual([])
  })

  it('is refused before it is read when it says that it is too large', async () => {
    const { send, seen } = setUp()
    const { status } = await send(['{}'], { 'content-length': String(LIMIT_BYTES + 1) })
    expect([status, seen]).toEqual([413, []])
  })
})
