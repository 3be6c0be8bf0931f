/** A day, or a time with its offset, in wall-clock ms; NaN for one that there is not, such as the 31st of June. */
export const instantOf = (text: string): number => {
  const day = text.slice(0, 'yyyy-mm-dd'.length)
  // `Date.parse` takes the 31st of June for the 1st of July.
  const isDay = new Date(`${day}T00:00Z`).toJSON()?.startsWith(day) ?? false
  return isDay ? Date.parse(text) : Number.NaN
}
