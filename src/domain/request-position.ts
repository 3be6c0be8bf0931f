import type { RequestIdentity } from './request-record.ts'

/*
 * The place of a request in the log: text that sorts as the log does, by creation and then by key and id, so that a page
 * can go on exactly where another ended, whatever came or was forgotten in between. Its first part, the moment, is the
 * time of creation and then the request's nonce, so that requests with one id in one millisecond have a place each.
 * Example: `0mhk2x9s4c0ffee0123 key_ab12 req_1`.
 */

/** Enough for the wall-clock ms of the next three thousand years, in base 36. */
const TIME_CHARACTERS = 9

/** A time and a nonce, as a pattern. */
const MOMENT = `[0-9a-z]{${TIME_CHARACTERS}}[0-9a-f]{10}`

/** Wall-clock ms that positions can tell. */
export const LATEST_POSITION_MS = 36 ** TIME_CHARACTERS - 1

/** What all positions of a time begin with; those of later times sort after it. */
export const timePositionOf = (atMs: number): string =>
  Math.min(LATEST_POSITION_MS, Math.max(0, Math.ceil(atMs)))
    .toString(36)
    .padStart(TIME_CHARACTERS, '0')

/** What the position of a request begins with, and sorts by. */
export const momentOf = ({
  createdAtMs,
  nonce,
}: Pick<RequestIdentity, 'createdAtMs' | 'nonce'>): string => timePositionOf(createdAtMs) + nonce

/** Wall-clock ms of a moment. */
export const timeOfMoment = (moment: string): number =>
  Number.parseInt(moment.slice(0, TIME_CHARACTERS), 36)

/** Printable ASCII without spaces. Empty: there is no key. */
export const positionPartOf = (text: string | undefined): string =>
  encodeURIComponent((text ?? '').toWellFormed())

export const positionOf = (request: RequestIdentity): string =>
  `${momentOf(request)} ${positionPartOf(request.keyId)} ${positionPartOf(request.id)}`

/** Longest id and key id together, encoded, and then some. */
const MAX_POSITION_CHARACTERS = 2_048

const MOMENT_ALONE = new RegExp(`^${MOMENT}$`)
const POSITION = new RegExp(String.raw`^${MOMENT} [\x21-\x7e]* [\x21-\x7e]+$`)

/** Whether a text could be a moment. */
export const isMoment = (text: string): boolean => MOMENT_ALONE.test(text)

/** Whether a text could be a position. */
export const isPosition = (text: string): boolean =>
  text.length <= MAX_POSITION_CHARACTERS && POSITION.test(text)
