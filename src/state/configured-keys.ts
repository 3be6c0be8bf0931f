import type { ApiKey } from '#src/domain/api-key.ts'
import { GatewayError, invalidRequest } from '#src/domain/errors.ts'
import type { KeyRegistry } from '#src/domain/key-registry.ts'

/** Keys of the environment and the configuration file, which nobody changes while the gateway runs. */
export class ConfiguredKeys {
  readonly #byHash: ReadonlyMap<string, ApiKey>
  readonly #byId: ReadonlyMap<string, ApiKey>

  constructor(keys: readonly ApiKey[]) {
    this.#byHash = new Map(keys.map((key) => [key.hash, key]))
    this.#byId = new Map(keys.map((key) => [key.id, key]))
  }

  get size(): number {
    return this.#byHash.size
  }

  findByHash(hash: string): ApiKey | undefined {
    return this.#byHash.get(hash)
  }

  find(id: string): ApiKey | undefined {
    return this.#byId.get(id)
  }

  list(): readonly ApiKey[] {
    return [...this.#byHash.values()]
  }

  /** Throws the 400 for a key that is changed where it was written down. */
  checkIsChangeable(id: string): void {
    const key = this.find(id)
    if (!key) return
    const place = key.source === 'file' ? 'CONFIG_FILE' : 'GATEWAY_API_KEYS or GATEWAY_ADMIN_KEY'
    throw invalidRequest(`The key "${id}" stands in ${place}: it is changed there.`, 'id')
  }
}

/** There is no key of this id. */
export const noSuchKey = (id: string): GatewayError =>
  new GatewayError('NOT_FOUND', `There is no key "${id.slice(0, 64)}".`)

const needsRedis = (): never => {
  throw invalidRequest(
    'Keys can be created and changed only where gateways share a Redis: set REDIS_URL. Without it keys stand in GATEWAY_API_KEYS or CONFIG_FILE.',
  )
}

/** The keys of a gateway without Redis: those that are configured. */
export const createConfiguredRegistry = (keys: readonly ApiKey[]): KeyRegistry => {
  const configured = new ConfiguredKeys(keys)
  const refuse = async (id: string): Promise<never> => {
    configured.checkIsChangeable(id)
    return needsRedis()
  }
  return {
    asksForKeys: () => configured.size > 0,
    findByHash: (hash) => configured.findByHash(hash),
    find: (id) => configured.find(id),
    list: () => configured.list(),
    isComplete: () => true,
    create: async () => needsRedis(),
    change: refuse,
    remove: refuse,
  }
}
