import { finished, Readable } from 'node:stream'
import type { BodyReader, UpstreamBody } from '#src/domain/provider-adapter.ts'

/** Bytes that are taken before anybody reads: a small answer is there whole by then. */
const UNREAD_BYTES = 65_536

/** Where the bytes come from. */
export interface ByteOrigin {
  pause(): void
  resume(): void
  /** Has it end, if it has not. */
  abort(reason: Error): void
}

/**
 * Bytes on their way from where they come from to one reader. No stream of Node's: through one, a small answer takes
 * some 4 % more of all the gateway's time (`npm run bench -- cpu-tiny`).
 */
export class ArrivingBody implements UpstreamBody {
  readonly #origin: ByteOrigin
  #unread: Buffer[] = []
  #unreadBytes = 0
  #reader?: BodyReader
  /** How it ended; absent: it has not. */
  #ending?: { readonly error?: Error }
  #isEndingTold = false

  constructor(origin: ByteOrigin) {
    this.#origin = origin
  }

  arrive(bytes: Buffer): void {
    if (this.#ending) return
    if (this.#reader) {
      this.#tell(this.#reader, bytes)
      return
    }
    this.#unread.push(bytes)
    this.#unreadBytes += bytes.length
    if (this.#unreadBytes >= UNREAD_BYTES) this.pause()
  }

  /** That all have come, or, with an error, that no more do. The first ending counts. */
  end(error?: Error): void {
    if (this.#ending) return
    this.#ending = error ? { error } : {}
    this.#tellEnding()
  }

  read(reader: BodyReader): void {
    this.#reader = reader
    for (const bytes of this.#unread.splice(0)) this.#tell(reader, bytes)
    if (this.#ending) this.#tellEnding()
    else this.resume()
  }

  pause(): void {
    this.#origin.pause()
  }

  resume(): void {
    this.#origin.resume()
  }

  destroy(): void {
    if (!this.#isEndingTold) this.#giveUp(brokenOff())
  }

  #tell(reader: BodyReader, bytes: Buffer): void {
    if (this.#isEndingTold) return
    try {
      reader.onBytes(bytes)
    } catch (error) {
      this.#giveUp(error as Error)
    }
  }

  #tellEnding(): void {
    if (!this.#reader || !this.#ending || this.#isEndingTold) return
    this.#isEndingTold = true
    const { error } = this.#ending
    if (error) {
      this.#reader.onFailure(error)
      return
    }
    try {
      this.#reader.onEnd()
    } catch (thrown) {
      this.#reader.onFailure(thrown as Error)
    }
  }

  #giveUp(error: Error): void {
    this.#unread = []
    this.#ending = { error }
    this.#origin.abort(error)
    this.#tellEnding()
  }
}

/** As Node calls it: an answer that is neither whole nor failed. */
const brokenOff = (): Error =>
  Object.assign(new Error('Broken off'), { code: 'ERR_STREAM_PREMATURE_CLOSE' })

/** A stream's bytes. */
export const bodyOfStream = (stream: Readable): ArrivingBody => {
  const body = new ArrivingBody({
    pause: () => stream.pause(),
    resume: () => stream.resume(),
    abort: (reason) => stream.destroy(reason),
  })
  // Else it would begin to give them at once.
  stream.pause()
  stream.on('data', (bytes: Buffer) => body.arrive(bytes))
  finished(stream, (error) => body.end(error ?? undefined))
  return body
}

/** The same bytes as a stream, for what works on those only. */
export const streamOfBody = (body: ArrivingBody): Readable => {
  const stream = new Readable({
    read: () => body.resume(),
    destroy: (error, done) => {
      body.destroy()
      done(error)
    },
  })
  body.read({
    onBytes: (bytes) => {
      if (!stream.push(bytes)) body.pause()
    },
    onEnd: () => stream.push(null),
    onFailure: (error) => stream.destroy(error),
  })
  return stream
}
