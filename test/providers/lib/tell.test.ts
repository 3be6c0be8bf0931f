import { describe, expect, it } from 'vitest'
import { tell } from '#providers/lib/tell.ts'

const createLog = () => {
  const warnings: unknown[] = []
  const warn = (fields: object, message: string) => warnings.push([fields, message])
  return { warnings, logger: { debug: () => {}, warn } }
}

describe('tell', () => {
  it('tells the listener, if there is one', () => {
    const { warnings, logger } = createLog()
    const told: number[] = []
    tell((value) => told.push(value), 7, logger)
    tell(undefined, 8, logger)
    expect([told, warnings]).toEqual([[7], []])
  })

  it('survives a listener that throws, and logs none of its words', () => {
    const { warnings, logger } = createLog()
    const listener = () => {
      throw new TypeError('a private prompt')
    }
    tell(listener, 7, logger)
    expect(warnings).toEqual([[{ errorName: 'TypeError' }, 'a listener of a provider call failed']])
  })
})
