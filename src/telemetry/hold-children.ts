import { OTHER } from './metrics.ts'

/**
 * Finds what is counted under a set of label values, made once per set, so that requests put no label sets together.
 * Values outside their closed set are taken for `other`.
 */
export const holdChildren = <Child>(
  sets: readonly (readonly string[])[],
  make: (values: readonly string[]) => Child,
): ((values: readonly string[]) => Child) => {
  const labels = sets.map((values) => {
    const all = [...new Set([...values, OTHER])]
    return { all, places: new Map(all.map((value, place) => [value, place])) }
  })
  const children = new Map<number, Child>()
  return (values) => {
    // Places of the values, read as digits of one number.
    let key = 0
    for (let index = 0; index < labels.length; index += 1) {
      const { all, places } = labels[index] as (typeof labels)[number]
      key = key * all.length + (places.get(values[index] ?? OTHER) ?? all.length - 1)
    }
    const held = children.get(key)
    if (held !== undefined) return held
    const names = labels.map(({ places }, index) => {
      const value = values[index] ?? OTHER
      return places.has(value) ? value : OTHER
    })
    const child = make(names)
    children.set(key, child)
    return child
  }
}
