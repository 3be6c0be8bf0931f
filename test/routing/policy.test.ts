import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { DEFAULT_ROUTING_POLICY } from '#src/routing/policy.ts'

const text = readFileSync(new URL('../../src/routing/README.md', import.meta.url), 'utf8')
const readme = text.slice(text.indexOf('## Knobs'))

/** Knob → default, as the README's table has them. */
const documented = Object.fromEntries(
  [...readme.matchAll(/^\| `(\w+)` \| ([^|]*?) \|/gm)].map(([, name, value]) => [name, value]),
)

const written = (value: unknown): string => {
  if (typeof value === 'number') return String(value).replace(/\B(?=(\d{3})+$)/g, ' ')
  if (Array.isArray(value)) return value.join(' … ')
  return typeof value === 'object' && value ? Object.values(value).join(', ') : String(value)
}

describe("the README's table of knobs", () => {
  it('has every knob of the policy with its default', () => {
    const defaults = Object.entries(DEFAULT_ROUTING_POLICY).map(([name, value]) => [
      name,
      written(value),
    ])
    expect(documented).toEqual(Object.fromEntries(defaults))
  })
})
