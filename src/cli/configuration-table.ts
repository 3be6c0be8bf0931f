import { tmpdir } from 'node:os'
import type { TObject } from 'typebox'
import { providerModules } from '#providers/provider-modules.ts'
import { GatewayEnvironmentSchema } from '#src/environment.ts'

interface Variable {
  readonly description?: string
  readonly default?: string | number
  readonly secret?: boolean
}

/** A default as the README shows it; the temporary folder has another name on every system. */
const showDefault = (value: string | number | undefined): string => {
  if (value === undefined || value === '') return ''
  return `\`${String(value).replace(tmpdir(), '<tmp>')}\``
}

const rowsOf = (schema: TObject, owner: string): string[] =>
  Object.entries(schema.properties).map(([name, property]) => {
    const { description = '', default: fallback, secret } = property as Variable
    const text = [owner, description].filter((part) => part !== '').join(': ')
    return `| \`${name}\`${secret ? ' 🔑' : ''} | ${showDefault(fallback)} | ${text} |`
  })

/** The README's configuration table, made from the schemas that the configuration is read with. */
export const renderConfigurationTable = (): string =>
  [
    '| variable | default | what |',
    '| --- | --- | --- |',
    ...rowsOf(GatewayEnvironmentSchema, ''),
    ...providerModules.flatMap(({ name, configSchema }) => rowsOf(configSchema, name)),
  ].join('\n')

if (import.meta.main) process.stdout.write(`${renderConfigurationTable()}\n`)
