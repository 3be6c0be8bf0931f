import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { inPieces } from '#src/bytes/pieces.ts'
import { PICTURES_AT_ONCE } from '#src/images/sharp-library.ts'
import { withWhole } from '#src/images/whole-input.ts'

it('joins as many pictures at a time as are worked on, and headers beside them', async () => {
  const bytes = inPieces([Buffer.from('pic'), Buffer.from('ture')])
  const gate = Promise.withResolvers<void>()
  const joined: string[] = []
  const decode = () =>
    withWhole('decode', bytes, async (whole) => {
      joined.push(String(whole))
      await gate.promise
    })
  const all = Array.from({ length: 9 }, decode)
  for (let turn = 0; turn < 20; turn += 1) await setImmediate()
  expect(joined).toEqual(Array.from({ length: PICTURES_AT_ONCE }, () => 'picture'))
  expect(await withWhole('header', bytes, async (whole) => whole.length)).toBe(7)
  gate.resolve()
  await Promise.all(all)
  expect(joined).toHaveLength(9)
})

it('leaves the pieces as they are, and is free again after a failure', async () => {
  const bytes = inPieces([Buffer.from('pic'), Buffer.from('ture')])
  const fail = () => withWhole('decode', bytes, () => Promise.reject(new Error('damaged')))
  for (let count = 0; count < 9; count += 1) await expect(fail()).rejects.toThrow('damaged')
  expect(bytes.pieces.map(String)).toEqual(['pic', 'ture'])
})
