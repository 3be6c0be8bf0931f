import { describe, expect, it } from 'vitest'
import { readFormValues } from '#src/http/multipart-form.ts'

const schema = {
  properties: {
    n: { type: 'integer' },
    prompt: { type: 'string' },
    sync_mode: { type: 'boolean' },
  },
}
const read = (fields: Record<string, unknown>) =>
  readFormValues(new Map(Object.entries(fields).map(([name, value]) => [name, [value]])), schema)

describe('form fields as values', () => {
  it('have the type that the schema names', () => {
    expect(read({ n: '2', prompt: '2', sync_mode: 'True' })).toEqual({
      n: 2,
      prompt: '2',
      sync_mode: true,
    })
  })

  it('stay text when they are not of that type, for the validation to refuse', () => {
    expect(read({ n: 'two', sync_mode: 'maybe' })).toEqual({ n: 'two', sync_mode: 'maybe' })
    expect(read({ n: '1e999' })).toEqual({ n: '1e999' })
  })

  it('keep every digit of an id whose name is not known', () => {
    expect(read({ trace: '12345678901234567890', big: '9007199254740991' })).toEqual({
      trace: '12345678901234567890',
      big: 9007199254740991,
    })
  })

  it('are read as what they look like when the schema does not know them', () => {
    expect(read({ cfg: '3.5', flag: 'false', code: '007', toString: 'constructor' })).toEqual({
      cfg: 3.5,
      flag: false,
      code: '007',
      toString: 'constructor',
    })
  })

  it("nest where their names do, as OpenAI's clients write objects", () => {
    const fields = new Map<string, unknown[]>([
      ['provider[only][]', ['fal', 'gemini']],
      ['provider[strict]', ['true']],
      ['provider[max_price]', ['0.1']],
      ['extra[a][b]', ['x']],
      ['__proto__[polluted]', ['x']],
      ['extra[__proto__][polluted]', ['x']],
    ])
    expect(readFormValues(fields, schema)).toEqual({
      provider: { only: ['fal', 'gemini'], strict: true, max_price: 0.1 },
      extra: { a: { b: 'x' } },
    })
    expect(({} as { polluted?: string }).polluted).toBeUndefined()
  })

  it('are the last of those with the same name', () => {
    expect(readFormValues(new Map([['n', ['1', '2']]]), schema)).toEqual({ n: 2 })
  })

  it('are absent when empty', () => {
    expect(read({ n: '', user: '' })).toEqual({})
  })

  it('may hold the routing wishes as JSON', () => {
    expect(read({ provider: '{"only":["fal"]}' })).toEqual({ provider: { only: ['fal'] } })
    expect(read({ provider: 'fal' })).toEqual({ provider: 'fal' })
  })
})
