/*
 * Figures as people read them. What is not known is a dash.
 */

export const NOT_KNOWN = '–'

type Known<T> = T | null | undefined

/** Prices of images have up to four digits after the point; sums are read in cents. */
export const usd = (amount: Known<number>): string => {
  if (amount === null || amount === undefined) return NOT_KNOWN
  if (amount === 0) return '$0'
  const digits = Math.abs(amount) >= 1 ? 2 : Math.abs(amount) >= 0.01 ? 3 : 5
  return `$${amount.toFixed(digits).replace(/(\.\d\d\d*?)0+$/, '$1')}`
}

export const duration = (ms: Known<number>): string => {
  if (ms === null || ms === undefined) return NOT_KNOWN
  if (ms === 0) return '0'
  if (ms < 1) return `${ms.toFixed(2)} ms`
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 100_000) return `${(ms / 1_000).toFixed(1)} s`
  const seconds = Math.round(ms / 1_000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

export const percent = (share: Known<number>): string =>
  share === null || share === undefined
    ? NOT_KNOWN
    : `${(share * 100).toFixed(share === 1 ? 0 : 1)} %`

export const count = (number: Known<number>): string =>
  number === null || number === undefined ? NOT_KNOWN : number.toLocaleString('en-US')

export const bytes = (size: Known<number>): string => {
  if (size === null || size === undefined) return NOT_KNOWN
  if (size < 1_000) return `${size} B`
  if (size < 1_000_000) return `${(size / 1_000).toFixed(1)} kB`
  return `${(size / 1_000_000).toFixed(1)} MB`
}

/** In the reader's own time zone. */
export const moment = (iso: Known<string>): string =>
  iso === null || iso === undefined
    ? NOT_KNOWN
    : new Date(iso).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })

const MODE_NAMES: Readonly<Record<string, string>> = {
  text_to_image: 'text to image',
  image_edit: 'image editing',
}

export const modeName = (mode: string): string => MODE_NAMES[mode] ?? mode

/** `rate_limited` → `rate limited`. */
export const words = (name: string): string => name.replaceAll('_', ' ').toLowerCase()
