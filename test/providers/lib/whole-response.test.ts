import { describe, expect, it } from 'vitest'
import { WholeResponse } from '#providers/lib/whole-response.ts'

const INIT = { status: 201, headers: { 'content-type': 'application/json' } }

const wholeOf = (text: string): WholeResponse => new WholeResponse(Buffer.from(text), INIT)

/** Every way in which a body can be read. */
const WAYS: Readonly<Record<string, (response: Response) => Promise<unknown>>> = {
  text: (response) => response.text(),
  json: (response) => response.json(),
  bytes: (response) => response.bytes(),
  arrayBuffer: (response) => response.arrayBuffer(),
  blob: async (response) => (await response.blob()).text(),
  body: (response) => new Response(response.body).text(),
  clone: (response) => response.clone().text(),
}

describe('WholeResponse', () => {
  it('is a response with its status and headers', () => {
    const response = wholeOf('{}')
    expect(response).toBeInstanceOf(Response)
    expect([response.ok, response.status]).toEqual([true, 201])
    expect(Object.fromEntries(response.headers)).toEqual(INIT.headers)
  })

  it.each(Object.keys(WAYS))('is read as %s as the runtime’s own is', async (way) => {
    const read = WAYS[way] as (response: Response) => Promise<unknown>
    for (const text of ['{"ä":1}', '\uFEFF{"a":[1]}', '7']) {
      expect(await read(wholeOf(text))).toEqual(await read(new Response(text, INIT)))
    }
  })

  it('rejects as JSON what is none, with the error that the runtime throws', async () => {
    for (const text of ['', '{', 'no']) {
      const expected = await new Response(text).json().catch((error: unknown) => error)
      const error = await wholeOf(text)
        .json()
        .catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(SyntaxError)
      expect(error).toEqual(expected)
    }
  })

  it('has no body when it is empty, and knows when a body has been read', async () => {
    expect(wholeOf('').body).toBeNull()
    const response = wholeOf('text')
    expect(response.bodyUsed).toBe(false)
    await response.bytes()
    expect(response.bodyUsed).toBe(true)
  })
})
