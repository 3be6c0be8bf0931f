import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { bodyOfStream } from '#providers/lib/arriving-body.ts'
import { readAhead } from '#providers/lib/read-ahead.ts'

const openStream = () => new Readable({ read: () => {} })

describe('readAhead', () => {
  it('passes the bytes on as they come', async () => {
    const source = openStream()
    const reader = readAhead(bodyOfStream(source), () => new Error('never'))
    for (const text of ['one', 'two']) {
      const next = reader.next()
      source.push(Buffer.from(text))
      expect(await next).toEqual({ done: false, value: Buffer.from(text) })
    }
    source.push(null)
    expect(await reader.next()).toEqual({ done: true, value: undefined })
  })

  it('loses nothing that had come before a failure, which follows after it', async () => {
    const source = openStream()
    const told: unknown[] = []
    const reader = readAhead(bodyOfStream(source), (error) => {
      told.push(error)
      return new Error('lost')
    })
    await new Promise(setImmediate)
    for (const text of ['one', 'two']) source.push(Buffer.from(text))
    const reset = new Error('reset')
    source.destroy(reset)
    await expect.poll(() => told).toEqual([reset])
    expect((await reader.next()).value).toEqual(Buffer.from('one'))
    expect((await reader.next()).value).toEqual(Buffer.from('two'))
    await expect(reader.next()).rejects.toThrow('lost')
  })

  it('takes a stream that just closes for a lost one', async () => {
    const source = openStream()
    const reader = readAhead(bodyOfStream(source), (error) => error as Error)
    source.destroy()
    await expect(reader.next()).rejects.toThrow('Premature close')
  })

  it('ends the body when its reader leaves', async () => {
    const source = openStream()
    const told: unknown[] = []
    const reader = readAhead(bodyOfStream(source), (error) => {
      told.push(error)
      return new Error('left')
    })
    source.push(Buffer.from('one'))
    await reader.next()
    await reader.return(undefined)
    await new Promise(setImmediate)
    expect([source.destroyed, told]).toEqual([true, []])
  })
})
