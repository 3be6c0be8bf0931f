import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'

/**
 * The same bytes, read as fast as they come. A stream that fails throws away what had come and was not read yet, which
 * may be a whole image that was paid for; here the failure follows after it. `asFailure` is told of the failure at
 * once, and what it makes of it is what the reader gets. A reader that leaves ends the body: what nobody reads would
 * gather for as long as it comes.
 */
export const readAhead = (
  body: Readable,
  asFailure: (error: unknown) => Error,
): AsyncGenerator<Buffer> => {
  const arrived: Buffer[] = []
  let end: { readonly failure?: Error } | undefined
  let hasLeft = false
  let wake = (): void => {}
  const gather = (chunk: Buffer): void => {
    arrived.push(chunk)
    wake()
  }
  body.on('data', gather)
  const finish = (how: { readonly failure?: Error }): void => {
    end = how
    wake()
  }
  finished(body).then(
    () => finish({}),
    (error: unknown) => {
      // That a reader left is no failure of the answer.
      if (!hasLeft) finish({ failure: asFailure(error) })
    },
  )
  const deliver = async function* (): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        const chunk = arrived.shift()
        if (chunk !== undefined) yield chunk
        else if (end?.failure !== undefined) throw end.failure
        else if (end !== undefined) return
        else await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      hasLeft = true
      arrived.length = 0
      body.off('data', gather).destroy()
    }
  }
  return deliver()
}
