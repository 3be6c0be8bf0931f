import { randomUUID } from 'node:crypto'
import type { ApiKey } from '#src/domain/api-key.ts'
import type { KeyLink } from './key-link.ts'
import { ALL_KEYS, VERSION_FIELD } from './key-names.ts'
import { readKeyRecord } from './key-record.ts'

/** Fields asked for at once: some ms of Redis and of this process. */
const PAGE_FIELDS = 500

/** What Redis has of a key. */
interface Mirrored {
  readonly key: ApiKey
  /** As it lies there. */
  readonly text: string
}

type Page = readonly [cursor: string, fields: readonly string[]]

/** The keys of Redis as this process knows them. Who reads them does not wait. */
export class KeyMirror {
  readonly #link: KeyLink
  #byId: ReadonlyMap<string, Mirrored> = new Map()
  #byHash: ReadonlyMap<string, ApiKey> = new Map()
  /** The word of the last change that is in it; absent: Redis had no keys, or was not read yet. */
  #version: string | undefined
  /** How often this process itself has changed a key: what was read before is not taken in after. */
  #changes = 0
  #isLoaded = false
  #hasHadKeys = false

  constructor(link: KeyLink) {
    this.#link = link
  }

  /** Whether it has been read whole once. */
  get isLoaded(): boolean {
    return this.#isLoaded
  }

  /** Whether there was ever a key in it, or in Redis before this process began. */
  get hasHadKeys(): boolean {
    return this.#hasHadKeys
  }

  find(id: string): ApiKey | undefined {
    return this.#byId.get(id)?.key
  }

  findByHash(hash: string): ApiKey | undefined {
    return this.#byHash.get(hash)
  }

  textOf(id: string): string | undefined {
    return this.#byId.get(id)?.text
  }

  list(): readonly ApiKey[] {
    return [...this.#byId.values()].map(({ key }) => key)
  }

  /** Takes in a change of this process's own. An empty text: the key is removed. */
  apply(id: string, text: string): void {
    this.#changes += 1
    const next = new Map(this.#byId)
    const key = readKeyRecord(id, text)
    if (key) next.set(id, { key, text })
    else next.delete(id)
    this.#take(next)
  }

  /** Reads what is new. Whether Redis answered. */
  async refresh(): Promise<boolean> {
    const version = await this.#link.tryToAsk((client) => client.hget(ALL_KEYS, VERSION_FIELD))
    if (version === undefined) return false
    if (version === null) return this.#readNothing()
    if (version === this.#version) return true
    return this.#load(version)
  }

  /** Redis has never had keys, or has lost them: then it gets back what is known here. */
  async #readNothing(): Promise<boolean> {
    this.#version = undefined
    if (this.#byId.size > 0) {
      const pairs = [...this.#byId].flatMap(([id, { text }]) => [id, text])
      const done = await this.#link.tryToAsk((client) =>
        client.restoreKeys(ALL_KEYS, randomUUID(), ...pairs),
      )
      return done !== undefined
    }
    this.#isLoaded = true
    return true
  }

  async #load(version: string): Promise<boolean> {
    const changes = this.#changes
    const read = new Map<string, Mirrored>()
    let cursor = '0'
    do {
      const from = cursor
      const page: Page | undefined = await this.#link.tryToAsk((client) =>
        client.hscan(ALL_KEYS, from, 'COUNT', PAGE_FIELDS),
      )
      if (page === undefined) return false
      const [next, fields] = page
      for (let index = 0; index < fields.length; index += 2) {
        const [id = '', text = ''] = [fields[index], fields[index + 1]]
        const key = readKeyRecord(id, text)
        if (key) read.set(id, { key, text })
      }
      cursor = next
    } while (cursor !== '0')
    // Also when all of them have been removed since.
    this.#hasHadKeys = true
    if (changes !== this.#changes) return true
    this.#take(read)
    this.#version = version
    this.#isLoaded = true
    return true
  }

  #take(keys: ReadonlyMap<string, Mirrored>): void {
    this.#byId = keys
    this.#hasHadKeys ||= keys.size > 0
    this.#byHash = new Map([...keys.values()].map(({ key }) => [key.hash, key]))
  }
}
