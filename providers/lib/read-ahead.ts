/**
 * The same bytes, read as fast as they come. A web stream that fails throws away what had come and was not read yet,
 * which may be a whole image that was paid for; here the failure follows after it. `asFailure` is told of the failure
 * at once, and what it makes of it is what the reader gets.
 */
export const readAhead = (
  body: ReadableStream<Uint8Array>,
  asFailure: (error: unknown) => Error,
): ReadableStream<Uint8Array> => {
  const arrived: Uint8Array[] = []
  let end: { readonly failure?: Error } | undefined
  let wake = (): void => {}
  const read = async (): Promise<void> => {
    for await (const chunk of body) {
      arrived.push(chunk)
      wake()
    }
  }
  const finish = (how: { readonly failure?: Error }): void => {
    end = how
    wake()
  }
  read().then(
    () => finish({}),
    (error: unknown) => finish({ failure: asFailure(error) }),
  )
  const deliver = async function* (): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = arrived.shift()
      if (chunk !== undefined) yield chunk
      else if (end?.failure !== undefined) throw end.failure
      else if (end !== undefined) return
      else await new Promise<void>((resolve) => (wake = resolve))
    }
  }
  return ReadableStream.from(deliver())
}
