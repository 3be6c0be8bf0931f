import { LARGEST_PICTURE_BYTES } from './images/sharp-library.ts'

const MB = 1_000_000

/** How much the gateway takes on at a time. */
export interface MemoryLimits {
  /** Bytes of pictures and bodies that all requests together hold. */
  readonly bytesInFlight: number
  /** Requests for images under way. */
  readonly requestsInFlight: number
}

/** What the operator said; absent: chosen by the memory that there is. */
export interface MemoryWishes {
  readonly maxMegabytesInFlight?: number
  readonly maxRequestsInFlight?: number
}

/** What is known of the memory of the machine and the process, in bytes. */
export interface KnownMemory {
  /** Of the machine. */
  readonly totalBytes: number
  /** That the container or service may use (`process.constrainedMemory`); 0, or more than there is: all. */
  readonly constrainedBytes: number
}

/*
 * Measured on Node 24, 2 processors, 2026-11 (`npm run bench -- memory-waiting upload`; floods of edits of 10 MB each). That
 * the sum holds shows `npm run bench -- memory-container`: of 1,610 MB, 1,464 are taken at most (1,598 without jemalloc).
 */

/** A gateway that has served some requests: 310 to 350 MB resident with what its collector has not freed, in bytes. */
const IDLE_BYTES = 300 * MB

/** What a request takes while it waits for its provider: 52 kB live, 135 kB resident, in bytes. */
const WAITING_REQUEST_BYTES = 150_000

/** Memory for a byte that is held, copies on its way included: 40 MB held took 69 MB at most, 190 MB took 251 MB. */
const OVERHEAD_FACTOR = 1.5

/** Of the memory of a machine that nobody has divided, so much is taken for the gateway's. */
const UNDIVIDED_SHARE = 0.5

/** The part of what is left that waiting requests may fill; the rest is for bytes. */
const REQUESTS_SHARE = 0.2

const LEAST_BYTES = 64 * MB
const LEAST_REQUESTS = 100
const MOST_REQUESTS = 10_000

const usableBytes = ({ totalBytes, constrainedBytes }: KnownMemory): number => {
  const isDivided = constrainedBytes > 0 && constrainedBytes < totalBytes
  const allowed = isDivided ? constrainedBytes : totalBytes * UNDIVIDED_SHARE
  return Math.max(0, allowed - IDLE_BYTES - LARGEST_PICTURE_BYTES)
}

/** Chooses the limits by the memory that the process may use, unless they are given. */
export const chooseMemoryLimits = (wishes: MemoryWishes, memory: KnownMemory): MemoryLimits => {
  const usable = usableBytes(memory)
  const bytes = (usable * (1 - REQUESTS_SHARE)) / OVERHEAD_FACTOR
  const requests = (usable * REQUESTS_SHARE) / WAITING_REQUEST_BYTES
  const { maxMegabytesInFlight, maxRequestsInFlight } = wishes
  return {
    bytesInFlight:
      maxMegabytesInFlight === undefined
        ? Math.max(LEAST_BYTES, Math.floor(bytes))
        : maxMegabytesInFlight * MB,
    requestsInFlight:
      maxRequestsInFlight ??
      Math.min(MOST_REQUESTS, Math.max(LEAST_REQUESTS, Math.floor(requests))),
  }
}
