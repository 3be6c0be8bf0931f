import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { ArrivingBody, bodyOfStream } from '#providers/lib/arriving-body.ts'
import type { UpstreamBody } from '#src/domain/provider-adapter.ts'
import { readBody } from './read-body.ts'

const [ONE, TWO] = [Buffer.from('one'), Buffer.from('two')]

/** A body, and what was asked of where its bytes come from, which ends it with the reason as undici does. */
const openBody = () => {
  const asked: string[] = []
  const body: ArrivingBody = new ArrivingBody({
    pause: () => asked.push('pause'),
    resume: () => asked.push('resume'),
    abort: (reason) => {
      asked.push('abort')
      body.end(reason)
    },
  })
  return { body, asked }
}

/** What a reader is told, in its order. */
const listen = (body: UpstreamBody, onTold: (what: string) => void = () => {}): string[] => {
  const told: string[] = []
  const tell = (what: string): void => {
    told.push(what)
    onTold(what)
  }
  body.read({
    onBytes: (bytes) => tell(String(bytes)),
    onEnd: () => tell('end'),
    onFailure: ({ message }) => told.push(message),
  })
  return told
}

const throwAt = (place: string) => (what: string) => {
  if (what === place) throw new Error('thrown')
}

describe('ArrivingBody', () => {
  it('tells what came before it is read, and then what comes', () => {
    const { body, asked } = openBody()
    body.arrive(ONE)
    const told = listen(body)
    body.arrive(TWO)
    body.end()
    expect([told, asked]).toEqual([['one', 'two', 'end'], ['resume']])
  })

  it('tells all that came before a failure, read or not', () => {
    const { body } = openBody()
    body.arrive(ONE)
    body.arrive(TWO)
    body.end(new Error('reset'))
    expect(listen(body)).toEqual(['one', 'two', 'reset'])
  })

  it('tells one ending, the first', () => {
    const { body } = openBody()
    const told = listen(body)
    body.end()
    body.end(new Error('reset'))
    body.arrive(ONE)
    body.destroy()
    expect(told).toEqual(['end'])
  })

  it('has what comes wait, once a little is unread', () => {
    const { body, asked } = openBody()
    body.arrive(Buffer.alloc(65_535))
    expect(asked).toEqual([])
    body.arrive(ONE)
    expect(asked).toEqual(['pause'])
    listen(body)
    expect(asked).toEqual(['pause', 'resume'])
  })

  it.each([
    ['while it comes', [] as Buffer[], [ONE, TWO]],
    ['of what came before', [ONE, TWO], []],
  ])('fails with what a reader throws %s', (_when, before, after) => {
    const { body, asked } = openBody()
    for (const bytes of before) body.arrive(bytes)
    const told = listen(body, throwAt('one'))
    for (const bytes of after) body.arrive(bytes)
    body.end()
    expect(told).toEqual(['one', 'thrown'])
    expect(asked).toContain('abort')
  })

  it('fails with what a reader throws at its end', () => {
    const { body } = openBody()
    const told = listen(body, throwAt('end'))
    body.end()
    expect(told).toEqual(['end', 'thrown'])
  })

  it('is broken off when it is destroyed, even if all of it had come', () => {
    const { body, asked } = openBody()
    body.arrive(ONE)
    body.end()
    body.destroy()
    expect([listen(body), asked]).toEqual([['Broken off'], ['abort']])
  })

  it('can be destroyed by its reader', () => {
    const { body } = openBody()
    body.arrive(ONE)
    body.arrive(TWO)
    expect(listen(body, () => body.destroy())).toEqual(['one', 'Broken off'])
  })
})

describe('bodyOfStream', () => {
  it('takes nothing of a stream before it is read', async () => {
    const stream = Readable.from([ONE, TWO], { objectMode: false })
    const body = bodyOfStream(stream)
    await new Promise(setImmediate)
    expect(stream.readableDidRead).toBe(false)
    expect(String(await readBody(body))).toBe('onetwo')
  })

  it('destroys the stream when it is destroyed', () => {
    const stream = new Readable({ read: () => undefined })
    bodyOfStream(stream).destroy()
    expect(stream.destroyed).toBe(true)
  })
})
