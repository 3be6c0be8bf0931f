import { closest, distance } from 'fastest-levenshtein'

/** As names are read: letter case, and what stands between words, make no difference. */
const plain = (name: string): string => name.toLowerCase().replace(/[\s_]+/g, '-')

const wordsOf = (name: string): readonly string[] =>
  plain(name)
    .split(/[-/]+/)
    .filter((word) => word !== '')

/** A name that could be meant, prepared once. */
interface Option {
  readonly name: string
  readonly plain: string
  readonly words: readonly string[]
}

const toOptions = (names: readonly string[]): readonly Option[] =>
  names.map((name) => ({ name, plain: plain(name), words: wordsOf(name) }))

/** Whether the words stand in `all` in this order, with others between them perhaps; `1` may be meant for `1.5`. */
const areWithin = (words: readonly string[], all: readonly string[]): boolean => {
  let from = 0
  return words.every((word) => {
    const index = all.findIndex(
      (other, place) => place >= from && (other === word || other.startsWith(`${word}.`)),
    )
    from = index + 1
    return index >= 0
  })
}

const shortest = (options: readonly Option[]): Option | undefined =>
  options.reduce<Option | undefined>(
    (best, option) => (best && best.plain.length <= option.plain.length ? best : option),
    undefined,
  )

/** The shortest name that has every word: `seedream-5` → `seedream-5-lite`. A number alone says too little. */
const withItsWords = (asked: string, options: readonly Option[]): Option | undefined => {
  const words = wordsOf(asked)
  if (!words.some((word) => /[a-z]{3}/.test(word))) return undefined
  return shortest(options.filter((option) => areWithin(words, option.words)))
}

/** The name that differs least, by at most a third of its letters: `flux-shnell` → `flux-schnell`. */
const leastDifferent = (asked: string, options: readonly Option[]): Option | undefined => {
  if (options.length === 0) return undefined
  const wanted = plain(asked)
  const nearest = closest(
    wanted,
    options.map((option) => option.plain),
  )
  const isNear = distance(wanted, nearest) <= nearest.length / 3
  return isNear ? options.find((option) => option.plain === nearest) : undefined
}

const sameName = (asked: string, options: readonly Option[]): Option | undefined => {
  const wanted = plain(asked)
  return options.find((option) => option.plain === wanted)
}

/** From the surest to the vaguest. */
const WAYS = [sameName, withItsWords, leastDifferent]

/** Gives the name that was probably meant by one that is none; `undefined`: nothing is near. */
export type SuggestName = (asked: string) => string | undefined

/**
 * Suggests names of models, and `provider/model` where a provider is named. A model that this provider does not serve
 * is suggested alone. `all`: every id, alias and config key; `byProvider`: names of the models that each slug serves.
 */
export const createSuggestName = (
  all: readonly string[],
  byProvider: ReadonlyMap<string, readonly string[]>,
): SuggestName => {
  const everything = toOptions(all)
  const slugs = toOptions([...byProvider.keys()])
  const ofProvider = new Map([...byProvider].map(([slug, names]) => [slug, toOptions(names)]))

  const suggestModel = (asked: string, options: readonly Option[]): string | undefined => {
    for (const way of WAYS) {
      const found = way(asked, options)
      if (found) return found.name
    }
    return undefined
  }

  const suggestBehindSlash = (provider: string, model: string): string | undefined => {
    const slug = sameName(provider, slugs) ?? leastDifferent(provider, slugs)
    const served = slug && suggestModel(model, ofProvider.get(slug.name) ?? [])
    if (served !== undefined) return `${slug?.name}/${served}`
    return slug ? suggestModel(model, everything) : sameName(model, everything)?.name
  }

  return (asked) => {
    const slash = asked.indexOf('/')
    const byParts = slash > 0 && suggestBehindSlash(asked.slice(0, slash), asked.slice(slash + 1))
    return byParts || suggestModel(asked, everything)
  }
}
