/** A setting that has a value; an empty variable counts as absent, as shells and compose files produce them. */
export const readSetting = (value: string | undefined): string | undefined => {
  const trimmed = value?.trim()
  return trimmed === '' ? undefined : trimmed
}
