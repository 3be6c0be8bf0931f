/** Seconds as number or text, with or without the unit of a protobuf duration: `5`, `"0.5"`, `"26s"`. */
export const secondsToMs = (value: unknown): number | undefined => {
  if (typeof value === 'number') return value >= 0 ? Math.ceil(value * 1000) : undefined
  if (typeof value !== 'string') return undefined
  const match = /^(\d+(?:\.\d+)?)s?$/.exec(value.trim())
  return match ? Math.ceil(Number(match[1]) * 1000) : undefined
}

/**
 * The `retry-after` header of an answer in milliseconds: seconds (fractions too, as some providers send them) or an
 * HTTP date. A date counts from the answer's own `date`, so that two clocks need not agree; one that is over gives
 * 0. `undefined` when the header is absent or cannot be read.
 */
export const readRetryAfterMs = (headers: Readonly<Record<string, string>>): number | undefined => {
  const value = headers['retry-after']
  if (value === undefined) return undefined
  const milliseconds = secondsToMs(value)
  if (milliseconds !== undefined) return milliseconds
  const waitMs = Date.parse(value) - Date.parse(headers.date ?? '')
  return Number.isNaN(waitMs) ? undefined : Math.max(0, waitMs)
}
