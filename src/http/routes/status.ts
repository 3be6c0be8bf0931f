import type { FastifyInstance } from 'fastify'
import type { JsonObject } from '#src/domain/json.ts'
import { type ProviderStatusSource, presentProviderStatuses } from '#src/http/provider-status.ts'
import { documentedOnly } from '#src/http/schemas/documented.ts'
import { statusOperation } from '#src/http/schemas/status-schema.ts'

/** How this gateway stands, besides its providers. */
export interface GatewayStatus {
  readonly version: string
  /** Wall-clock ms. */
  readonly startedAtMs: number
  readonly isReady: boolean
  /** Requests for images under way, and how many may be. */
  readonly requests: { readonly underWay: number; readonly limit: number }
  /** What they hold in memory, and how much that may be, in bytes. */
  readonly memory: { readonly heldBytes: number; readonly limitBytes: number }
  readonly redis: {
    readonly isConfigured: boolean
    /** Whether anything is shared through it. */
    readonly isReachable: boolean
    /** Why something is not shared; names no address and no password. Absent: all is, or nothing is to be. */
    readonly reason?: string
  }
  readonly areStatisticsShared: boolean
}

export interface StatusRouteDependencies extends ProviderStatusSource {
  readonly readStatus: () => GatewayStatus
}

const presentStatus = (status: GatewayStatus): JsonObject => ({
  object: 'status',
  version: status.version,
  started_at: new Date(status.startedAtMs).toISOString(),
  ready: status.isReady,
  requests_in_flight: status.requests.underWay,
  requests_limit: status.requests.limit,
  bytes_in_flight: status.memory.heldBytes,
  bytes_limit: status.memory.limitBytes,
  redis: {
    configured: status.redis.isConfigured,
    reachable: status.redis.isReachable,
    reason: status.redis.reason ?? null,
  },
  statistics_shared: status.areStatisticsShared,
})

/** `GET /status`: how this gateway and its providers stand. It names nobody who uses it. */
export const registerStatus = (app: FastifyInstance, deps: StatusRouteDependencies): void => {
  app.get('/status', { schema: statusOperation, ...documentedOnly }, async () => ({
    ...presentStatus(deps.readStatus()),
    providers: presentProviderStatuses(deps),
  }))
}
