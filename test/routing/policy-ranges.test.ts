import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { DEFAULT_ROUTING_POLICY } from '#src/routing/policy.ts'
import { isKnob, type KnobRange, POLICY_RANGES, withKnob } from '#src/routing/policy-ranges.ts'

const text = readFileSync(new URL('../../src/routing/README.md', import.meta.url), 'utf8')
const UNITS = { s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 } as const
const DEADLINE_MS = 180_000

const readBound = (written: string): number | 'deadline' => {
  if (written === 'deadline') return written
  const [number, unit] = written.split(' ')
  return Number(number) * (unit ? UNITS[unit as keyof typeof UNITS] : 1)
}

/** `1 s … 1 min`, `0 … deadline`, or `retry, stop`. */
const readRange = (written: string): unknown => {
  const [least = '', most] = written.split(' … ')
  if (most === undefined) return { words: written.split(', ') }
  return { least: readBound(least), most: readBound(most) }
}

/** Knob → range, as the README's table has them. */
const documented = Object.fromEntries(
  [
    ...text
      .slice(text.indexOf('## Knobs'))
      .matchAll(/^\| `(\w+)` \| [^|]*? \| [^|]*?\| +([^|]*?) *\|/gm),
  ]
    .filter(([, , range]) => range !== '')
    .map(([, name, range]) => [name, readRange(range ?? '')]),
)

const isWithin = (range: KnobRange, value: unknown): boolean => {
  if ('words' in range) return range.words.some((word) => word === value)
  const most = range.most === 'deadline' ? DEADLINE_MS : range.most
  return typeof value === 'number' && value >= range.least && value <= most
}

describe('the ranges of knobs', () => {
  it("are those of the README's table", () => {
    expect(POLICY_RANGES).toEqual(documented)
  })

  it('have room for every default', () => {
    const outside = Object.entries(DEFAULT_ROUTING_POLICY).filter(
      ([name, value]) => isKnob(name) && !isWithin(POLICY_RANGES[name], value),
    )
    expect(outside).toEqual([])
  })
})

describe('setting a knob', () => {
  const set = (name: string, value: string) => {
    if (!isKnob(name)) throw new Error(`${name} is no knob`)
    return withKnob(DEFAULT_ROUTING_POLICY, name, value, DEADLINE_MS)
  }

  it.each([
    ['maxAttempts', '1', 1],
    ['maxAttempts', '20', 20],
    ['longestTimeoutMs', '180000', 180_000],
    ['probe', 'live', 'live'],
  ])('takes %s=%s', (name, value, expected) => {
    expect(set(name, value)).toEqual({ ...DEFAULT_ROUTING_POLICY, [name]: expected })
  })

  it.each([
    ['maxAttempts', '0', 'maxAttempts 0 is out of range; allowed: 1 to 20'],
    ['maxAttempts', '21', 'maxAttempts 21 is out of range; allowed: 1 to 20'],
    ['maxAttempts', '', 'maxAttempts must be a number'],
    [
      'longestTimeoutMs',
      '180001',
      'longestTimeoutMs 180001 is out of range; allowed: 1000 to 180000',
    ],
    ['probe', 'maybe', 'probe "maybe" is unknown; allowed: duplicate, live, off'],
  ])('refuses %s=%s', (name, value, message) => {
    expect(() => set(name, value)).toThrow(message)
  })
})
