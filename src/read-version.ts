import { readFileSync } from 'node:fs'

/** The gateway's version, as its package says. */
export const readVersion = (): string => {
  const file = new URL('../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
