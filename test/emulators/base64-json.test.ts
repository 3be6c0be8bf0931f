import { expect, it } from 'vitest'
import { Base64Text, stringifyWithBase64 } from './base64-json.ts'

it('writes what JSON.stringify would write of the same texts', () => {
  const first = Buffer.from('first picture')
  const second = Buffer.from('')
  const make = (wrap: (content: Buffer) => unknown) => ({
    parts: [{ data: wrap(first), 'ключ "x"': 'ü\u0000' }, { data: wrap(second) }],
    count: 2,
  })
  const expected = JSON.stringify(make((content) => content.toString('base64')))
  expect(stringifyWithBase64(make((content) => new Base64Text(content))).toString()).toBe(expected)
})
