import { invalidRequest } from '#src/domain/errors.ts'

const VALUES: ReadonlyMap<string, boolean> = new Map([
  // `?dryRun`, `?schema`: a name alone says yes.
  ['', true],
  ['false', false],
  ['0', false],
  ['true', true],
  ['1', true],
])

/** A yes or no of a query or a header, in any case; absent is no. */
export const readFlag = (value: unknown, param: string): boolean => {
  const flag = value === undefined ? false : VALUES.get(String(value).toLowerCase())
  if (flag === undefined) throw invalidRequest(`${param} must be true or false.`, param)
  return flag
}
