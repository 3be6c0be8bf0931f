import type { UpstreamBody } from '#src/domain/provider-adapter.ts'

/**
 * The same bytes, read as fast as they come. What had come before a failure is given before it, unless it came packed:
 * it may be a whole image that was paid for. `asFailure` is told of the failure at once, and what it makes of it is what
 * the reader gets. A reader that leaves ends the body: what nobody reads would gather for as long as it comes.
 */
export const readAhead = (
  body: UpstreamBody,
  asFailure: (error: unknown) => Error,
): AsyncGenerator<Buffer> => {
  const arrived: Buffer[] = []
  let end: { readonly failure?: Error } | undefined
  let hasLeft = false
  let wake = (): void => {}
  const finish = (how: { readonly failure?: Error }): void => {
    end = how
    wake()
  }
  body.read({
    onBytes: (chunk) => {
      arrived.push(chunk)
      wake()
    },
    onEnd: () => finish({}),
    onFailure: (error) => {
      // That a reader left is no failure of the answer.
      if (!hasLeft) finish({ failure: asFailure(error) })
    },
  })
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
      body.destroy()
    }
  }
  return deliver()
}
