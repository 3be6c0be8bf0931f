import { COMMAND_TIMEOUT_MS, type RedisClient, type RedisConnection } from './connect.ts'
import { NO_DATABASE, NOT_CONNECTED, type Trouble, troubleOf } from './trouble.ts'

/**
 * What is asked of Redis about keys. While it is silent nobody waits for it but who asks once a second whether it is
 * back: a request would else wait at every step.
 */
export class KeyLink {
  readonly #connection: RedisConnection
  readonly #monotonicMs: () => number
  #trouble: Trouble | undefined

  constructor(connection: RedisConnection, monotonicMs: () => number) {
    this.#connection = connection
    this.#monotonicMs = monotonicMs
  }

  get client(): RedisClient {
    return this.#connection.client
  }

  /** Why Redis cannot be used; `undefined`: it can. */
  trouble(): Trouble | undefined {
    if (!this.#connection.isReady()) return this.#connection.trouble() ?? NOT_CONNECTED
    return this.#trouble
  }

  /** Connects when there is no connection and none is being made. */
  open(): void {
    this.#connection.open()
    if (this.#connection.trouble()?.kind === NO_DATABASE) {
      this.#connection.renew(this.#monotonicMs())
    }
  }

  /** `undefined`: no good answer came within 200 ms; whether Redis did it is not known. */
  async ask<Answer>(send: (client: RedisClient) => Promise<Answer>): Promise<Answer | undefined> {
    return this.#isSilent() ? undefined : this.tryToAsk(send)
  }

  /** As `ask`, also while Redis is silent. */
  async tryToAsk<Answer>(
    send: (client: RedisClient) => Promise<Answer>,
  ): Promise<Answer | undefined> {
    if (!this.#connection.isReady()) return undefined
    let timer: NodeJS.Timeout | undefined
    // A command's own time-out begins anew when a script was forgotten or a cluster redirects.
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('Command timed out')), COMMAND_TIMEOUT_MS)
    })
    try {
      const answer = await Promise.race([send(this.#connection.client), late])
      this.#trouble = undefined
      return answer
    } catch (error) {
      this.#failed(error)
      return undefined
    } finally {
      clearTimeout(timer)
    }
  }

  close(): Promise<void> {
    return this.#connection.close()
  }

  /** Redis that answers with an error does answer: it may be about one key alone. */
  #isSilent(): boolean {
    return this.#trouble?.kind === NOT_CONNECTED.kind
  }

  #failed(error: unknown): void {
    this.#trouble = troubleOf(error instanceof Error ? error : new Error('unknown'))
    // There may be a new master.
    if (this.#trouble.kind === 'READONLY') this.#connection.renew(this.#monotonicMs())
  }
}
