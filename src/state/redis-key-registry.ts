import { randomBytes, randomUUID } from 'node:crypto'
import { type ApiKey, changeKey, hashKey, type KeyTerms, keyIdOf } from '#src/domain/api-key.ts'
import { GatewayError } from '#src/domain/errors.ts'
import type { CreatedKey, KeyRegistry } from '#src/domain/key-registry.ts'
import { ConfiguredKeys, noSuchKey } from './configured-keys.ts'
import type { KeyLink } from './redis/key-link.ts'
import { KeyMirror } from './redis/key-mirror.ts'
import { ALL_KEYS, spendKeys } from './redis/key-names.ts'
import { writeKeyRecord } from './redis/key-record.ts'

/** Random bytes of a key: as many as its hash has. */
const SECRET_BYTES = 32
/** How often a change is tried when somebody else changes the same key at the same time. */
const CHANGE_TRIES = 5
/** What an admin is told to wait before trying again, in ms. */
const RETRY_AFTER_MS = 1_000
/** How long it is kept what a key has spent that was removed, in ms: as what is kept longest of one that was not. */
const REMOVED_KEPT_MS = 34 * 24 * 3_600_000

export interface SharedKeyRegistryOptions {
  readonly link: KeyLink
  /** Keys of the environment and the configuration file: they come first. */
  readonly configured: readonly ApiKey[]
  /** Wall-clock ms. */
  readonly now: () => number
}

/** Keys that gateways share. */
export interface SharedKeyRegistry extends KeyRegistry {
  /** Takes in what others have changed. Whether Redis answered; never rejects. */
  refresh(): Promise<boolean>
}

const cannotTell = (): GatewayError =>
  new GatewayError(
    'OVERLOADED',
    'Redis does not answer: keys cannot be changed now. Look at GET /v1/keys before trying again.',
    { retryAfterMs: RETRY_AFTER_MS },
  )

const changedMeanwhile = (id: string): GatewayError =>
  new GatewayError('INVALID_REQUEST', `The key "${id}" is being changed by others: try again.`, {
    status: 409,
    isRetryable: true,
  })

const oldestFirst = (one: ApiKey, other: ApiKey): number =>
  (one.createdAtMs ?? 0) - (other.createdAtMs ?? 0) || (one.id < other.id ? -1 : 1)

class RedisKeyRegistry implements SharedKeyRegistry {
  readonly #link: KeyLink
  readonly #configured: ConfiguredKeys
  readonly #mirror: KeyMirror
  readonly #now: () => number
  #refreshing: Promise<boolean> | undefined

  constructor({ link, configured, now }: SharedKeyRegistryOptions) {
    this.#link = link
    this.#configured = new ConfiguredKeys(configured)
    this.#mirror = new KeyMirror(link)
    this.#now = now
  }

  /** Removing the last key opens no gateway. */
  asksForKeys(): boolean {
    return this.#configured.size > 0 || this.#mirror.hasHadKeys
  }

  findByHash(hash: string): ApiKey | undefined {
    return this.#configured.findByHash(hash) ?? this.#mirror.findByHash(hash)
  }

  find(id: string): ApiKey | undefined {
    return this.#configured.find(id) ?? this.#mirror.find(id)
  }

  list(): readonly ApiKey[] {
    const shared = this.#mirror.list().filter(({ id }) => !this.#configured.find(id))
    return [...this.#configured.list(), ...shared.toSorted(oldestFirst)]
  }

  isComplete(): boolean {
    return this.#mirror.isLoaded
  }

  refresh(): Promise<boolean> {
    this.#refreshing ??= this.#mirror.refresh().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  async create(terms: KeyTerms): Promise<CreatedKey> {
    const secret = `fresnel_${randomBytes(SECRET_BYTES).toString('base64url')}`
    const hash = hashKey(secret)
    const id = keyIdOf(hash)
    const key: ApiKey = { ...terms, id, hash, source: 'api', createdAtMs: this.#now() }
    const text = writeKeyRecord(key)
    // One id in 2^48 is taken already: then another key is made.
    if (this.#configured.find(id) || !(await this.#put(id, '', text))) return this.create(terms)
    return { key, secret }
  }

  async change(...[id, change]: Parameters<KeyRegistry['change']>): Promise<ApiKey> {
    const changed = await this.#replace(id, (key) => writeKeyRecord(changeKey(key, change)))
    if (!changed) throw noSuchKey(id)
    return changed
  }

  async remove(id: string): Promise<void> {
    await this.#replace(id, () => '')
    // The account of a budget without a period would stay for good.
    const [account, held] = spendKeys(id, 'total')
    await this.#link.ask((client) =>
      Promise.all([account, held].map((name) => client.pexpire(name, REMOVED_KEPT_MS))),
    )
  }

  /** Resolves to the key as it is now; `undefined`: it is gone. */
  async #replace(id: string, write: (key: ApiKey) => string): Promise<ApiKey | undefined> {
    this.#configured.checkIsChangeable(id)
    for (let left = CHANGE_TRIES; left > 0; left -= 1) {
      if (!(await this.#catchUp())) throw cannotTell()
      const [key, before] = [this.#mirror.find(id), this.#mirror.textOf(id)]
      if (!key || before === undefined) throw noSuchKey(id)
      if (await this.#put(id, before, write(key))) return this.#mirror.find(id)
    }
    throw changedMeanwhile(id)
  }

  /** A refresh under way may have asked before the latest change. */
  async #catchUp(): Promise<boolean> {
    await this.#refreshing
    return this.refresh()
  }

  async #put(id: string, before: string, after: string): Promise<boolean> {
    const done = await this.#link.tryToAsk((client) =>
      client.changeKey(ALL_KEYS, randomUUID(), id, before, after),
    )
    if (done === undefined) throw cannotTell()
    if (done === 1) this.#mirror.apply(id, after)
    return done === 1
  }
}

/** The keys of the configuration and of Redis. Authentication asks this process's memory only. */
export const createRedisKeyRegistry = (options: SharedKeyRegistryOptions): SharedKeyRegistry =>
  new RedisKeyRegistry(options)
