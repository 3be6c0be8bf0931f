import type { Catalog } from './catalog.ts'

/** What a catalogue has other than the one before it, by canonical id. */
export interface CatalogChanges {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  /** In both, but not said alike. */
  readonly changed: readonly string[]
}

/**
 * A catalogue that another can take the place of. Whoever holds it sees the new one from then on; whoever holds its
 * `current` goes on with what that was.
 */
export interface ReloadableCatalog extends Catalog {
  /** Told of each new catalogue, just before it counts. What it throws keeps the present one in force. */
  onReload(listener: (next: Catalog) => void): void
  /** Puts `next` in the place of the present one, at once and for all. */
  replace(next: Catalog): CatalogChanges
}

/** By canonical id, all that is said of each model. */
const textsOf = ({ models }: Catalog): ReadonlyMap<string, string> =>
  new Map(
    models.map(({ card, offerings, mappingOf }) => [
      card.id,
      JSON.stringify([card, offerings, offerings.map(mappingOf)]),
    ]),
  )

const changesBetween = (present: Catalog, next: Catalog): CatalogChanges => {
  const [before, after] = [textsOf(present), textsOf(next)]
  return {
    added: [...after.keys()].filter((id) => !before.has(id)),
    removed: [...before.keys()].filter((id) => !after.has(id)),
    changed: [...after].flatMap(([id, text]) =>
      before.has(id) && before.get(id) !== text ? [id] : [],
    ),
  }
}

/** A catalogue that begins as `first`. */
export const createReloadableCatalog = (first: Catalog): ReloadableCatalog => {
  let current = first
  const listeners: ((next: Catalog) => void)[] = []
  return {
    get models() {
      return current.models
    },
    resolve: (requestedModel) => current.resolve(requestedModel),
    get current() {
      return current
    },
    onReload: (listener) => {
      listeners.push(listener)
    },
    replace: (next) => {
      // They learn what is new besides what they know: nobody is to be asked for a model that they do not know yet.
      for (const listener of listeners) listener(next)
      const changes = changesBetween(current, next)
      current = next
      return changes
    },
  }
}
