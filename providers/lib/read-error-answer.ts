import type { ProviderDependencies, UpstreamAnswer } from '#src/domain/provider-adapter.ts'
import { scaledLimitMs } from './request-limit.ts'
import { UpstreamCallError } from './upstream-call-error.ts'

/** Milliseconds in which the body of an error has to be there. */
const ERROR_BODY_LIMIT_MS = 2_000

/** Bytes of an error's body that are read. The longest on record are Google's, with some kilobytes of details. */
const ERROR_BODY_LIMIT_BYTES = 65_536

/** An answer whose status is no success. The status says enough even when the body is too long, too slow or broken. */
export const readErrorAnswer = async (
  { status, headers: own, body }: UpstreamAnswer,
  { clock, timeScale }: Pick<ProviderDependencies, 'clock' | 'timeScale'>,
): Promise<UpstreamCallError> => {
  // Without a date of its own, times in the answer count from its arrival.
  const headers = { date: new Date(clock.now()).toUTCString(), ...own }
  const text = await readText(body, scaledLimitMs(ERROR_BODY_LIMIT_MS, timeScale))
  const failure = { status, headers, requestLeft: true }
  return new UpstreamCallError(text === '' ? failure : { ...failure, body: parsedOrText(text) })
}

/** The whole text, or '' when it cannot be had within the limits. */
const readText = (body: UpstreamAnswer['body'], limitMs: number): Promise<string> =>
  new Promise((resolve) => {
    // Ends the reading as well as the connection that it holds.
    const timer = setTimeout(() => body.destroy(), limitMs)
    const finish = (text: string): void => {
      clearTimeout(timer)
      resolve(text)
    }
    const chunks: Buffer[] = []
    let sizeBytes = 0
    body.read({
      onBytes: (chunk) => {
        sizeBytes += chunk.length
        if (sizeBytes > ERROR_BODY_LIMIT_BYTES) body.destroy()
        else chunks.push(chunk)
      },
      onEnd: () => finish(new TextDecoder().decode(Buffer.concat(chunks))),
      onFailure: () => finish(''),
    })
  })

const parsedOrText = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
