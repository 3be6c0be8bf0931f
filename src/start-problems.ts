import type { FastifyInstance } from 'fastify'
import { type Config, ConfigError } from './config.ts'

/**
 * Waits for all steps of a start, so that everything which an operator has to mend is told at once. Rejects with what
 * went wrong, or with an `AggregateError` of all that did.
 */
export const settleAll = async <const Steps extends readonly Promise<unknown>[]>(
  steps: Steps,
): Promise<{ -readonly [Index in keyof Steps]: Awaited<Steps[Index]> }> => {
  const settled = await Promise.allSettled(steps)
  const reasons = settled.flatMap((step) => (step.status === 'rejected' ? [step.reason] : []))
  if (reasons.length > 1) throw new AggregateError(reasons)
  if (reasons.length === 1) throw reasons[0]
  return settled.map((step) => (step.status === 'fulfilled' ? step.value : undefined)) as {
    -readonly [Index in keyof Steps]: Awaited<Steps[Index]>
  }
}

/** Listens, or names the variables of an address that cannot be listened on. */
const listenOn = async (
  app: FastifyInstance,
  names: readonly [host: string, port: string],
  address: { readonly host: string; readonly port: number },
): Promise<void> => {
  try {
    await app.listen(address)
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error
    const { host, port } = address
    const text = `${names[0]} ${host} with ${names[1]} ${port} cannot be listened on: ${error.message}`
    throw new ConfigError([text])
  }
}

/** Has the servers listen where the configuration says; without an admin port the API's alone. */
export const listen = async (
  { host, port, adminHost, adminPort }: Config,
  { api, admin }: { readonly api: FastifyInstance; readonly admin: FastifyInstance },
): Promise<void> => {
  const hasAdminPort = adminPort !== 0
  await settleAll([
    listenOn(api, ['HOST', 'PORT'], { host, port }),
    ...(hasAdminPort
      ? [listenOn(admin, ['ADMIN_HOST', 'ADMIN_PORT'], { host: adminHost, port: adminPort })]
      : []),
  ])
}
