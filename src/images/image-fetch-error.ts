/** Who named the URL: a provider, for an image that has been paid for; or a client, for an input image. */
export type FetchPurpose = 'provider_output' | 'client_input'

/**
 * - `forbidden`: the outbound rules do not allow the URL or the address behind it
 * - `status`: the server's answer was not 200
 * - `too_large`: more bytes than allowed, announced or sent
 * - `timeout`: not done in time, slow drips included
 * - `network`: no connection, or one that broke before the end
 * - `cancelled`: the caller's signal was aborted
 */
export type FetchFailureReason =
  | 'forbidden'
  | 'status'
  | 'too_large'
  | 'timeout'
  | 'network'
  | 'cancelled'

export interface FetchFailure {
  readonly reason: FetchFailureReason
  readonly purpose: FetchPurpose
  /** What happened, as the end of a sentence that begins with the file: "answered with status 404". */
  readonly what: string
  /** HTTP status of the answer; absent: there was none. */
  readonly status?: number
}

const SUBJECTS: Readonly<Record<FetchPurpose, string>> = {
  provider_output: "The provider's image file",
  client_input: 'The image URL',
}

/** Passing states of a server; other statuses would be the same again. */
const TRANSIENT_STATUSES = [408, 425, 429, 500, 502, 503, 504]

/** Why a file could not be fetched. The message is public: it has neither URL nor address in it. */
export class ImageFetchError extends Error {
  override readonly name = 'ImageFetchError'
  readonly failure: FetchFailure

  constructor(failure: FetchFailure) {
    super(`${SUBJECTS[failure.purpose]} ${failure.what}`)
    this.failure = failure
  }

  /** Whether the same fetch may well succeed a moment later. */
  get isTransient(): boolean {
    const { reason, status } = this.failure
    if (reason === 'network' || reason === 'timeout') return true
    return status !== undefined && TRANSIENT_STATUSES.includes(status)
  }
}
