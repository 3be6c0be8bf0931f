import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Base64Lift, createBase64Lift } from '#src/bytes/lift-base64.ts'
import { cutAt } from './cut-at.ts'

/** Long enough to be lifted. */
const LONG = randomBytes(9_000).toString('base64')

const passThrough = (lift: Base64Lift, pieces: readonly Buffer[]): string =>
  Buffer.concat([...pieces.flatMap((piece) => lift.write(piece)), ...lift.end()]).toString()

/** What stood there, marks replaced by what they stand for. */
const restored = (lift: Base64Lift, value: unknown): unknown => {
  if (typeof value === 'string') {
    const [head = '', mark] = value.includes(',') ? value.split(/(?<=base64,)/) : ['', value]
    const pieces = lift.lifted(mark ?? '')
    return pieces ? `${head}${Buffer.concat(pieces)}` : value
  }
  if (Array.isArray(value)) return value.map((each) => restored(lift, each))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, restored(lift, each)]))
}

const lifted = (text: string, places: readonly number[] = []) => {
  const lift = createBase64Lift()
  const small = passThrough(lift, cutAt(Buffer.from(text), places))
  return { lift, small, value: () => restored(lift, JSON.parse(small)) }
}

/** How JSON may be written: each form of the characters that writers escape. */
const ESCAPES: Readonly<Record<string, (text: string) => string>> = {
  none: (text) => text,
  slashes: (text) => text.replaceAll('/', '\\/'),
  hexadecimal: (text) =>
    text.replaceAll(/[/+=]/g, (one) => `\\u00${one.charCodeAt(0).toString(16).padStart(2, '0')}`),
  'upper case': (text) =>
    text.replaceAll(/[/+=]/g, (one) => `\\u00${one.charCodeAt(0).toString(16).toUpperCase()}`),
}

/** String literals in JSON. */
const STRINGS = /"(?:[^"\\]|\\.)*"/g

describe('lifting base64 out of JSON', () => {
  it('lifts percent-encoded data URIs, wherever they are cut', () => {
    const string = `data:image/png;base64,${encodeURIComponent(LONG)}`
    const text = JSON.stringify({ string })
    for (let place = 8_000; place < 8_400; place += 1) {
      const { small, value } = lifted(text, [place])
      expect(small.length).toBeLessThan(200)
      expect(value()).toEqual({ string })
    }
  })

  it('changes nothing but where long base64 stands, wherever the text is cut', () => {
    const string = fc.oneof(
      fc.constantFrom(LONG, `data:image/png;base64,${LONG}`, `${LONG} `, `${LONG}é`, `"\\${LONG}`),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\\', '"', '\\"', '\u2028', 'ü', '😀'),
    )
    const json = fc.jsonValue({ depthSize: 'small' })
    const document = fc.record({ a: json, list: fc.array(fc.oneof(string, json)), b: string })
    fc.assert(
      fc.property(
        document,
        fc.array(fc.nat(60_000), { maxLength: 12 }),
        fc.constantFrom(undefined, 2),
        fc.constantFrom(...Object.values(ESCAPES)),
        (value, places, indent, written) => {
          const text = JSON.stringify(value, null, indent).replaceAll(STRINGS, written)
          const { value: read } = lifted(text, places)
          expect(read()).toEqual(JSON.parse(text))
        },
      ),
      { numRuns: 300 },
    )
  })

  it.each(Object.entries(ESCAPES))('reads escapes (%s) that are cut anywhere', (_name, written) => {
    const base64 = 'AAAA/BBB+CCC/DD='.padStart(8_200, 'z')
    const text = `{"x":"é\\"","data":"data:image\\/png;base64,${written(base64)}" ,"y":[1]}`
    const expected = { x: 'é"', data: `data:image/png;base64,${base64}`, y: [1] }
    const bytes = Buffer.from(text)
    for (let place = 1; place < bytes.length; place += place > 60 && place < 8_150 ? 97 : 1) {
      const { value, small } = lifted(text, [place])
      expect(value()).toEqual(expected)
      expect(small.length).toBeLessThan(200)
    }
    expect(lifted(text, Array.from(bytes.keys())).value()).toEqual(expected)
  })

  it('takes line breaks out of base64', () => {
    const lines = LONG.replaceAll(/.{76}/g, '$&\r\n')
    const { value, small } = lifted(JSON.stringify([lines]), [5_000, 9_000])
    expect(value()).toEqual([LONG])
    expect(small.length).toBeLessThan(100)
  })

  it.each([8_191, 8_192])('lifts from 8192 characters on (%i)', (length) => {
    const { value, small } = lifted(JSON.stringify(['A'.repeat(length)]))
    expect(small.length < 100).toBe(length === 8_192)
    expect(value()).toEqual(['A'.repeat(length)])
  })

  it.each([
    ['text', 'The quick brown fox '.repeat(1_000)],
    ['text of many bytes', 'ä漢😀'.repeat(4_000)],
    ['text with percent escapes', `%2B${LONG}`],
    ['a data URI that is not base64', `data:image/svg+xml,${LONG}`],
    ['almost base64', `${LONG.slice(0, 5_000)}.${LONG}`],
  ])('leaves %s where it is', (_name, string) => {
    const { lift, small, value } = lifted(JSON.stringify({ string }), [3_000, 9_000, 9_001])
    expect(small === JSON.stringify({ string })).toBe(true)
    expect(value()).toEqual({ string })
    expect(lift.lifted(string)).toBeUndefined()
  })

  it.each(['', ' ', '\n  ', ' '.repeat(40)])(
    'never lifts a name (before the colon: %j)',
    (spaces) => {
      const text = `{ "${LONG}"${spaces}:1, "b" : "${LONG}"${spaces}}`
      for (let place = LONG.length - 3; place < LONG.length + 60; place += 1) {
        const { small, value } = lifted(text, [place])
        expect(value()).toEqual({ [LONG]: 1, b: LONG })
        expect(small.length).toBeLessThan(LONG.length + 200)
      }
    },
  )

  it('lifts what is no base64 any more behind its first part, all of it', () => {
    const string = `${'A'.repeat(100_000)} "\\ü`
    expect(lifted(JSON.stringify({ string }), [65_536]).value()).toEqual({
      string,
    })
  })

  it.each([9_000, 8_000, 20])('leaves a text that is cut off unreadable (after %i)', (length) => {
    const { small } = lifted(JSON.stringify({ a: LONG }).slice(0, length), [10, 8_500])
    expect(() => JSON.parse(small)).toThrow(SyntaxError)
  })

  it.each(['\\x', '\\u12!', '\\uzzzz'])('leaves a text with %s in it unreadable', (wrong) => {
    const { small } = lifted(`{"a":"${LONG}${wrong}${LONG}"}`)
    expect(() => JSON.parse(small)).toThrow(SyntaxError)
  })

  it('passes whole events on as their bytes come', () => {
    const lift = createBase64Lift()
    const event = (data: string) => `data: ${JSON.stringify({ data })}\n\n`
    const pieces = [event('short'), event(LONG), ': a comment\n\n', event(LONG)]
    const passed = pieces.map((piece) => Buffer.concat(lift.write(Buffer.from(piece))).toString())
    expect(passed.map((piece) => piece.endsWith('\n\n'))).toEqual([true, true, true, true])
    const values = passed
      .filter((piece) => piece.startsWith('data:'))
      .map((piece) => JSON.parse(piece.slice(5)))
    expect(values.map((value) => restored(lift, value))).toEqual([
      { data: 'short' },
      { data: LONG },
      { data: LONG },
    ])
  })

  it('does not copy what it lifts', () => {
    const lift = createBase64Lift()
    const chunks = cutAt(Buffer.from(JSON.stringify([LONG.repeat(20)])), [65_536, 131_072])
    const [mark] = JSON.parse(passThrough(lift, chunks)) as [string]
    const pieces = lift.lifted(mark) ?? []
    expect(pieces.map((piece) => piece.buffer)).toEqual(chunks.map(({ buffer }) => buffer))
  })

  it('knows only its own marks', () => {
    const { small } = lifted(JSON.stringify([LONG]))
    const [mark] = JSON.parse(small) as [string]
    expect(createBase64Lift().lifted(mark)).toBeUndefined()
    expect(createBase64Lift().lifted('')).toBeUndefined()
  })
})
