import type { ProviderModule } from '#src/domain/provider-adapter.ts'
import { providerModule as fal } from './fal/index.ts'
import { providerModule as gemini } from './gemini/index.ts'
import { providerModule as replicate } from './replicate/index.ts'
import { providerModule as vertex } from './vertex/index.ts'

/** Every provider that the gateway knows. A new one is added here, by name. */
export const providerModules: readonly ProviderModule[] = [gemini, vertex, fal, replicate]
