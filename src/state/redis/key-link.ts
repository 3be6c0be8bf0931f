import { COMMAND_TIMEOUT_MS, type RedisClient, type RedisConnection } from './connect.ts'
import { hadNoEffect, NO_DATABASE, NOT_CONNECTED, type Trouble, troubleOf } from './trouble.ts'

/** What came of something that Redis was told: `undone`, it surely did nothing; `unknown`, it may have. */
export type Told<Answer> =
  | { readonly kind: 'answered'; readonly answer: Answer }
  | { readonly kind: 'undone' }
  | { readonly kind: 'unknown' }

type Send<Answer> = (client: RedisClient) => Promise<Answer>

const UNDONE = { kind: 'undone' } as const
const UNKNOWN = { kind: 'unknown' } as const

const answerOf = <Answer>(told: Told<Answer>): Answer | undefined =>
  told.kind === 'answered' ? told.answer : undefined

const asError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new Error('unknown')

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
  async ask<Answer>(send: Send<Answer>): Promise<Answer | undefined> {
    return answerOf(await this.tell(send))
  }

  /** As `ask`, also while Redis is silent. */
  async tryToAsk<Answer>(send: Send<Answer>): Promise<Answer | undefined> {
    return answerOf(await this.#send(send))
  }

  /** As `ask`, for whoever has to know whether Redis may have done it although it did not say so. */
  async tell<Answer>(send: Send<Answer>): Promise<Told<Answer>> {
    return this.#isSilent() ? UNDONE : this.#send(send)
  }

  async #send<Answer>(send: Send<Answer>): Promise<Told<Answer>> {
    if (!this.#connection.isReady()) return UNDONE
    let timer: NodeJS.Timeout | undefined
    // A command's own time-out begins anew when a script was forgotten or a cluster redirects.
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('Command timed out')), COMMAND_TIMEOUT_MS)
    })
    try {
      const answer = await Promise.race([send(this.#connection.client), late])
      this.#trouble = undefined
      return { kind: 'answered', answer }
    } catch (thrown) {
      const error = asError(thrown)
      this.#failed(error)
      return hadNoEffect(error) ? UNDONE : UNKNOWN
    } finally {
      clearTimeout(timer)
    }
  }

  close(): Promise<void> {
    return this.#connection.close()
  }

  /** Redis that answers with an error does answer: it may be about one key alone. */
  #isSilent(): boolean {
    return this.#trouble?.kind === NOT_CONNECTED.kind || this.#connection.isSilent()
  }

  #failed(error: Error): void {
    this.#trouble = troubleOf(error)
    if (this.#trouble.kind === NOT_CONNECTED.kind) this.#connection.fellSilent()
    // There may be a new master.
    if (this.#trouble.kind === 'READONLY') this.#connection.renew(this.#monotonicMs())
  }
}
