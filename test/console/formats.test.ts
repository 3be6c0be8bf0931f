import { expect, it } from 'vitest'
import { duration } from '#console/formats.ts'

it('shows minutes with fewer than sixty seconds', () => {
  expect([100_000, 119_600, 179_900, 180_000].map(duration)).toEqual([
    '1 min 40 s',
    '2 min 0 s',
    '3 min 0 s',
    '3 min 0 s',
  ])
})
