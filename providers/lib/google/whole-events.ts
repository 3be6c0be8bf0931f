/** The ends of an event that Google and proxies write; the standard's third, two carriage returns, nobody does. */
const EVENT_ENDS = ['\n\n', '\r\n\r\n'] as const

/**
 * The bytes of an event stream in pieces that end where an event ends. An error chunk, which is no event, the SDK knows
 * only when it comes in one piece (@google/genai 3.1.0, `processStreamResponse`).
 */
export const wholeEvents = async function* (
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let pending = Buffer.alloc(0)
  for await (const chunk of bytes) {
    pending = Buffer.concat([pending, chunk])
    const end = endOfLastEvent(pending)
    if (end > 0) yield pending.subarray(0, end)
    pending = pending.subarray(end)
  }
  if (pending.length > 0) yield pending
}

/** Index behind the last event; 0: none has ended. */
const endOfLastEvent = (bytes: Buffer): number =>
  Math.max(
    ...EVENT_ENDS.map((end) => {
      const index = bytes.lastIndexOf(end)
      return index < 0 ? 0 : index + end.length
    }),
  )
