import { expect, it } from 'vitest'
import { readEvents, type StreamEvent } from '#console/event-stream.ts'

const EVENTS = 'event: one\ndata: {"a":1}\n\n: keep-alive\n\nevent: two\ndata: {"b":2}\n\n'

const readAll = async (pieces: readonly string[]): Promise<StreamEvent[]> => {
  const texts = ReadableStream.from(pieces) as unknown as ReadableStream<string>
  const encode = new TextEncoderStream() as ReadableWritablePair<Uint8Array<ArrayBuffer>, string>
  const events: StreamEvent[] = []
  for await (const event of readEvents(texts.pipeThrough(encode))) events.push(event)
  return events
}

it('reads the same events wherever the network cuts them', async () => {
  const expected = [
    { type: 'one', data: { a: 1 } },
    { type: 'two', data: { b: 2 } },
  ]
  for (let cut = 1; cut < EVENTS.length; cut += 1) {
    expect(await readAll([EVENTS.slice(0, cut), EVENTS.slice(cut)]), `cut at ${cut}`).toEqual(
      expected,
    )
  }
  expect(await readAll([...EVENTS])).toEqual(expected)
})
