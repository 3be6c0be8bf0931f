import type { Metrics } from './create-metrics.ts'

/** What can be asked of a running gateway at any time. Counts of what there is now. */
export interface GatewayView {
  requestsInFlight(): number
  detachedRequests(): number
  /** Bodies of the requests in flight, in bytes. */
  bytesInFlight(): { readonly received: number; readonly sending: number }
  /** What requests hold in memory, and wait for, in bytes. */
  memory(): {
    readonly heldBytes: number
    readonly waitingBytes: number
    readonly limitBytes: number
  }
  /** Requests for images under way, and how many may be. */
  admittedRequests(): { readonly underWay: number; readonly limit: number }
  /** Pictures that are worked on, and that wait. */
  imageQueue(): { readonly running: number; readonly waiting: number }
  webhooksUnderWay(): number
  /** Requests of the log that other gateways cannot see yet. */
  requestLogWaiting(): number
  areRunsShared(): boolean
  readonly isRedisConfigured: boolean
}

/** Sets the gauges of the gateway itself whenever metrics are read. */
export const watchGateway = (view: GatewayView, metrics: Metrics): void =>
  metrics.beforeRender(() => {
    const { received, sending } = view.bytesInFlight()
    const { running, waiting } = view.imageQueue()
    metrics.set('fresnel_requests_in_flight', {}, view.requestsInFlight())
    metrics.set('fresnel_detached_requests', {}, view.detachedRequests())
    metrics.set('fresnel_in_flight_bytes', { direction: 'received' }, received)
    metrics.set('fresnel_in_flight_bytes', { direction: 'sending' }, sending)
    const { heldBytes, waitingBytes, limitBytes } = view.memory()
    const { underWay, limit } = view.admittedRequests()
    metrics.set('fresnel_memory_bytes', { state: 'held' }, heldBytes)
    metrics.set('fresnel_memory_bytes', { state: 'waiting' }, waitingBytes)
    metrics.set('fresnel_memory_limit_bytes', {}, limitBytes)
    metrics.set('fresnel_admitted_requests', {}, underWay)
    metrics.set('fresnel_admitted_requests_limit', {}, limit)
    metrics.set('fresnel_image_queue', { state: 'running' }, running)
    metrics.set('fresnel_image_queue', { state: 'waiting' }, waiting)
    metrics.set('fresnel_webhooks_under_way', {}, view.webhooksUnderWay())
    metrics.set('fresnel_request_log_waiting', {}, view.requestLogWaiting())
    metrics.set('fresnel_runs_shared', {}, Number(view.areRunsShared()))
    metrics.set('fresnel_redis_configured', {}, Number(view.isRedisConfigured))
  })
