import type { RequestIdentity } from './request-record.ts'

/*
 * The place of a request in the log: text that sorts as the log does, by creation and then by key and id, so that a page
 * can go on exactly where another ended, whatever came or was forgotten in between. Example:
 * `0mhk2x9s4 key_ab12 req_1`.
 */

/** Enough for the wall-clock ms of the next three thousand years, in base 36. */
const TIME_CHARACTERS = 9

/** Wall-clock ms that positions can tell. */
export const LATEST_POSITION_MS = 36 ** TIME_CHARACTERS - 1

/** What all positions of a time begin with; those of later times sort after it. */
export const timePositionOf = (atMs: number): string =>
  Math.min(LATEST_POSITION_MS, Math.max(0, Math.ceil(atMs)))
    .toString(36)
    .padStart(TIME_CHARACTERS, '0')

/** Printable ASCII without spaces. Empty: there is no key. */
export const positionPartOf = (text: string | undefined): string =>
  encodeURIComponent((text ?? '').toWellFormed())

export const positionOf = ({ createdAtMs, keyId, id }: RequestIdentity): string =>
  `${timePositionOf(createdAtMs)} ${positionPartOf(keyId)} ${positionPartOf(id)}`

/** Longest id and key id together, encoded, and then some. */
const MAX_POSITION_CHARACTERS = 2_048

/** Whether a text could be a position. */
export const isPosition = (text: string): boolean =>
  text.length <= MAX_POSITION_CHARACTERS && /^[0-9a-z]{9} [\x21-\x7e]* [\x21-\x7e]+$/.test(text)
