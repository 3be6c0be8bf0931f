import { invalidRequest } from '#src/domain/errors.ts'

const VALUES: ReadonlyMap<string, boolean> = new Map([
  ['', false],
  ['false', false],
  ['0', false],
  ['true', true],
  ['1', true],
])

/** A yes or no of a query or a header, in any case; absent is no. A typing error must not turn a dry run into a bill. */
export const readFlag = (value: unknown, param: string): boolean => {
  const flag = VALUES.get(String(value ?? '').toLowerCase())
  if (flag === undefined) throw invalidRequest(`${param} must be true or false.`, param)
  return flag
}
