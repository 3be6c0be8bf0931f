import { invalidRequest } from '#src/domain/errors.ts'

const SECONDS = /^\d{1,11}(\.\d+)?$/
const ISO =
  /^(?<day>\d{4}-\d{2}-\d{2})([Tt ](?<time>\d{2}:\d{2}(:\d{2}(\.\d+)?)?)(?<zone>[Zz]|[+ -]\d{2}:\d{2})?)?$/

/** In a query that is not encoded a plus arrives as a space. */
const readIso = (text: string): number => {
  const { day, time = '00:00', zone = 'Z' } = ISO.exec(text)?.groups ?? {}
  const atMs = Date.parse(`${day}T${time}${zone.replace(' ', '+').toUpperCase()}`)
  // The 31st of June would become the 1st of July.
  const isDay = new Date(`${day}T00:00Z`).toJSON()?.startsWith(String(day)) ?? false
  return isDay ? atMs : Number.NaN
}

/** A time of a query in wall-clock ms: ISO 8601 (UTC where no zone is named) or unix seconds. */
export const readTime = (text: string, param: string): number => {
  const atMs = SECONDS.test(text) ? Number(text) * 1000 : readIso(text)
  if (atMs >= 0) return atMs
  throw invalidRequest(
    `${param} must be a time such as 2026-03-15T14:32:10Z, or in unix seconds.`,
    param,
  )
}
