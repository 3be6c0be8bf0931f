import { describe, expect, it } from 'vitest'
import { placeImages } from '#providers/lib/image-fields.ts'

describe('placeImages', () => {
  it('collects lists in order and keeps single images single', () => {
    expect(
      placeImages('P', [
        { field: 'images', isList: true, url: 'a' },
        { field: 'mask', isList: false, url: 'm' },
        { field: 'images', isList: true, url: 'b' },
      ]),
    ).toEqual({ images: ['a', 'b'], mask: 'm' })
  })

  it('makes a list of one', () => {
    expect(placeImages('P', [{ field: 'images', isList: true, url: 'a' }])).toEqual({
      images: ['a'],
    })
  })
})
