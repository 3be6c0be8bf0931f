import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { providerModules } from '#providers/provider-modules.ts'
import { readConfig } from '#src/config.ts'
import { shutdownLimitMs } from '#src/shutdown-limit.ts'

const limitOf = (environment: Record<string, string>) =>
  shutdownLimitMs(readConfig({ FAL_KEY: 'k', ...environment }, providerModules))

describe('the time that a shutdown may take', () => {
  it('outlasts work that was taken on with the longer deadline of respond-async', () => {
    expect(limitOf({})).toBe(915_000)
    expect(limitOf({ REQUEST_TIMEOUT_MS: '1000' })).toBe(915_000)
    expect(limitOf({ ASYNC_TIMEOUT_MS: '1000' })).toBe(295_000)
  })

  it('is shorter than what docker compose waits before it kills', () => {
    const compose = readFileSync(new URL('../docker-compose.yml', import.meta.url), 'utf8')
    const [, graceS] = /stop_grace_period: (\d+)s/.exec(compose) ?? []
    expect(Number(graceS) * 1000).toBeGreaterThan(limitOf({}))
  })
})
