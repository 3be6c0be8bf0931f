import { describe, expect, it } from 'vitest'
import { wholeEvents } from '#providers/lib/google/whole-events.ts'

const inPieces = async function* (text: string, size: number) {
  const bytes = Buffer.from(text)
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
}

const piecesOf = async (text: string, size: number): Promise<string[]> => {
  const pieces: string[] = []
  for await (const piece of wholeEvents(inPieces(text, size))) pieces.push(piece.toString())
  return pieces
}

describe('wholeEvents', () => {
  it.each(['\n\n', '\r\n\r\n'])('ends each piece where an event ends: %j', async (end) => {
    const events = [`data: {"a":1}${end}`, `data: é${end}`]
    for (const size of [1, 2, 3, 5, 7]) {
      expect(await piecesOf(events.join(''), size)).toEqual(events)
    }
  })

  it('passes on several events at once that come at once, and keeps what is not whole', async () => {
    expect(await piecesOf('data: 1\n\ndata: 2\n\ndata: 3\n\n', 21)).toEqual([
      'data: 1\n\ndata: 2\n\n',
      'data: 3\n\n',
    ])
  })

  it('passes on at the end, in one piece, what never became an event', async () => {
    const error = '{\n  "error": {\n    "code": 503\n  }\n}\n'
    expect(await piecesOf(`data: 1\n\n${error}`, 4)).toEqual(['data: 1\n\n', error])
    expect(await piecesOf('', 4)).toEqual([])
  })

  it('fails as its source fails, with what was whole passed on before', async () => {
    const failing = async function* () {
      yield Buffer.from('data: 1\n\nda')
      throw new Error('reset')
    }
    const pieces = wholeEvents(failing())
    expect(Buffer.from((await pieces.next()).value ?? []).toString()).toBe('data: 1\n\n')
    await expect(pieces.next()).rejects.toThrow('reset')
  })
})
