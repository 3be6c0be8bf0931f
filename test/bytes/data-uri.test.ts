import { describe, expect, it } from 'vitest'
import { parseDataUri } from '#src/bytes/data-uri.ts'

describe('parseDataUri', () => {
  it.each([
    ['data:image/png;base64,AAAA', { mediaType: 'image/png', base64: 'AAAA' }],
    ['DATA:image/png;BASE64,AAAA', { mediaType: 'image/png', base64: 'AAAA' }],
    ['data:image/png;charset=x;base64,AA%2B', { mediaType: 'image/png', base64: 'AA%2B' }],
    [`data:${';'.repeat(300)}base64,AAAA`, undefined],
    ['data:;base64,AAAA', { mediaType: '', base64: 'AAAA' }],
    ['data:image/svg+xml,<svg/>', undefined],
    ['data:image/png;base64', undefined],
    ['https://example.com/;base64,AAAA', undefined],
  ])('reads %s', (text, expected) => {
    expect(parseDataUri(text)).toEqual(expected)
  })
})
