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
  readFormValues(new Map(Object.entries(fields)), schema)

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

  it('are read as what they look like when the schema does not know them', () => {
    expect(read({ cfg: '3.5', flag: 'false', code: '007', toString: 'constructor' })).toEqual({
      cfg: 3.5,
      flag: false,
      code: '007',
      toString: 'constructor',
    })
  })

  it('are absent when empty', () => {
    expect(read({ n: '', user: '' })).toEqual({})
  })

  it('may hold the routing wishes as JSON', () => {
    expect(read({ provider: '{"only":["fal"]}' })).toEqual({ provider: { only: ['fal'] } })
    expect(read({ provider: 'fal' })).toEqual({ provider: 'fal' })
  })
})
