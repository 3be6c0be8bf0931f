import type { ByteRange } from '#src/images/media-store.ts'

/** What a `range` header comes to, for something of known size. */
export type RangeVerdict = ByteRange | 'whole' | 'unsatisfiable'

const lastOf = (text: string, sizeBytes: number): number =>
  text === '' ? sizeBytes - 1 : Math.min(Number(text), sizeBytes - 1)

/**
 * Reads a `range` header (RFC 9110 §14.2). Several ranges at once, and other units than bytes, are answered with the
 * whole, as the RFC allows; what is no range, or lies outside, is `unsatisfiable`.
 */
export const readByteRange = (header: string, sizeBytes: number): RangeVerdict => {
  const unit = /^\s*([^=\s]+)\s*=/.exec(header)?.[1]
  if (unit?.toLowerCase() !== 'bytes' || header.includes(',')) return 'whole'
  const match = /^\s*bytes\s*=\s*(\d*)-(\d*)\s*$/i.exec(header)
  const [, first = '', last = ''] = match ?? []
  if (first === '' && last === '') return 'unsatisfiable'
  const range =
    first === ''
      ? { firstByte: Math.max(0, sizeBytes - Number(last)), lastByte: sizeBytes - 1 }
      : { firstByte: Number(first), lastByte: lastOf(last, sizeBytes) }
  const isBackwards = last !== '' && first !== '' && Number(first) > Number(last)
  const isInside = range.firstByte < sizeBytes && range.firstByte <= range.lastByte
  return isInside && !isBackwards ? range : 'unsatisfiable'
}

const opaqueTag = (tag: string): string => tag.trim().replace(/^W\//, '')

/** Whether `if-none-match` names what the caller would get: then it has it (RFC 9110 §13.1.2, weak comparison). */
export const isKnownToCaller = (ifNoneMatch: string | undefined, etag: string): boolean =>
  ifNoneMatch !== undefined &&
  (ifNoneMatch.trim() === '*' || ifNoneMatch.split(',').some((tag) => opaqueTag(tag) === etag))

/** Whether a range may be served: `if-range` is absent or names just this (RFC 9110 §13.1.5, strong comparison). */
export const isRangeWanted = (
  ifRange: string | readonly string[] | undefined,
  etag: string,
): boolean => ifRange === undefined || String(ifRange).trim() === etag
