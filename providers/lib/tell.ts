import type { ProviderLogger } from '#src/domain/provider-adapter.ts'

/** Tells a listener of a call what came. What it throws is its own matter and must not cost the caller a paid image. */
export const tell = <T>(
  listener: ((told: T) => void) | undefined,
  told: T,
  logger: ProviderLogger,
): void => {
  try {
    listener?.(told)
  } catch (error) {
    const name = error instanceof Error ? error.name : typeof error
    logger.warn({ errorName: name }, 'a listener of a provider call failed')
  }
}
