import { describe, expect, it } from 'vitest'
import { providerModules } from '#providers/provider-modules.ts'

describe('providerModules', () => {
  it('lists each provider once', () => {
    expect(providerModules.map(({ id }) => id)).toEqual(['gemini', 'vertex', 'fal', 'replicate'])
  })

  it.each(providerModules.map((module) => [module.id, module] as const))(
    'describes every setting of %s and marks its keys as secret',
    (_id, module) => {
      for (const [name, schema] of Object.entries(module.configSchema.properties)) {
        const annotated = schema as { description?: string; secret?: boolean }
        expect(annotated.description, name).toMatch(/\w/)
        expect(annotated.secret === true, name).toBe(/KEY|TOKEN/.test(name))
      }
    },
  )
})
