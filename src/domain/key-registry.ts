import type { ApiKey, KeyChange, KeyTerms } from './api-key.ts'

/** A key that was just created: the only moment at which it is known itself. */
export interface CreatedKey {
  readonly key: ApiKey
  /** To be shown once, kept nowhere. */
  readonly secret: string
}

/** The keys of the gateway. What is asked on behalf of a request is answered from memory. */
export interface KeyRegistry {
  /**
   * Whether requests have to bring a key. Where keys are created, the configuration has the admin's, and it is always so;
   * a gateway without any of its own asks from the moment on that it has read of others in Redis.
   */
  asksForKeys(): boolean
  /** By SHA-256 in hexadecimal digits. */
  findByHash(hash: string): ApiKey | undefined
  find(id: string): ApiKey | undefined
  /** Configured ones first, then in order of creation. */
  list(): readonly ApiKey[]
  /** Whether all keys are known that there are: false until those of Redis were read once. */
  isComplete(): boolean
  /** Rejects with what can be told to the admin, also when keys cannot be created here. */
  create(terms: KeyTerms): Promise<CreatedKey>
  /** Resolves to the key as it is now. Rejects as `create`, and with `NOT_FOUND`. */
  change(id: string, change: KeyChange): Promise<ApiKey>
  /** Rejects as `change`. */
  remove(id: string): Promise<void>
}
