/** The ends of an event that Google and proxies write; the standard's third, two carriage returns, nobody does. */
const EVENT_ENDS = ['\n\n', '\r\n\r\n'] as const

/** Bytes of an end that may have come while its last one has not. */
const PARTIAL_END_BYTES = 3

/**
 * The bytes of an event stream in pieces that end where an event ends. The SDK looks through all that it has whenever
 * a piece comes, which over an image in pieces of a socket's size is a work of its square; and an error chunk, which
 * is no event, it knows only when it comes in one piece (@google/genai 3.1.0, `processStreamResponse`).
 */
export const wholeEvents = async function* (
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let before: Uint8Array[] = []
  let recent = Buffer.alloc(0)
  for await (const chunk of bytes) {
    recent = Buffer.concat([recent, chunk])
    const end = endOfLastEvent(recent)
    if (end > 0) {
      yield Buffer.concat([...before, recent.subarray(0, end)])
      before = []
      recent = recent.subarray(end)
    } else {
      const settled = Math.max(0, recent.length - PARTIAL_END_BYTES)
      before.push(recent.subarray(0, settled))
      recent = recent.subarray(settled)
    }
  }
  const rest = Buffer.concat([...before, recent])
  if (rest.length > 0) yield rest
}

/** Index behind the last event; 0: none has ended. */
const endOfLastEvent = (bytes: Buffer): number =>
  Math.max(
    ...EVENT_ENDS.map((end) => {
      const index = bytes.lastIndexOf(end)
      return index < 0 ? 0 : index + end.length
    }),
  )
