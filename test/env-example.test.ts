import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { providerModules } from '#providers/provider-modules.ts'
import { GatewayEnvironmentSchema } from '#src/environment.ts'

it('.env.example names every variable that there is, once', () => {
  const known = [
    GatewayEnvironmentSchema,
    ...providerModules.map(({ configSchema }) => configSchema),
  ].flatMap(({ properties }) => Object.keys(properties))
  const example = readFileSync(new URL('../.env.example', import.meta.url), 'utf8')
  const named = [...example.matchAll(/^#?(\w+)=/gm)].map((match) => match[1])
  expect(named.toSorted()).toEqual(known.toSorted())
})
