import { describe, expect, it } from 'vitest'
import { readAhead } from '#providers/lib/read-ahead.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

const openStream = () => {
  const controllers: ReadableStreamDefaultController<Uint8Array>[] = []
  const source = new ReadableStream<Uint8Array>({
    start: (own) => {
      controllers.push(own)
    },
  })
  const [controller] = controllers
  if (controller === undefined) throw new Error('A stream starts at once')
  return { source, controller }
}

describe('readAhead', () => {
  it('passes the bytes on as they come', async () => {
    const { source, controller } = openStream()
    const reader = readAhead(source, () => new Error('never')).getReader()
    for (const text of ['one', 'two']) {
      const next = reader.read()
      controller.enqueue(bytes(text))
      expect(await next).toEqual({ done: false, value: bytes(text) })
    }
    controller.close()
    expect(await reader.read()).toEqual({ done: true, value: undefined })
  })

  it('loses nothing that had come before a failure, which follows after it', async () => {
    const { source, controller } = openStream()
    const told: unknown[] = []
    const reader = readAhead(source, (error) => {
      told.push(error)
      return new Error('lost')
    }).getReader()
    for (const text of ['one', 'two']) {
      controller.enqueue(bytes(text))
      await new Promise(setImmediate)
    }
    controller.error('reset')
    await expect.poll(() => told).toEqual(['reset'])
    expect((await reader.read()).value).toEqual(bytes('one'))
    expect((await reader.read()).value).toEqual(bytes('two'))
    await expect(reader.read()).rejects.toThrow('lost')
  })
})
