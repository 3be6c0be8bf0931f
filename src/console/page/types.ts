/*
 * Answers of the gateway, as far as the console reads them. Its OpenAPI document says it all.
 */

export interface ErrorObject {
  readonly message: string
  readonly code?: string | null
  readonly param?: string | null
}

export type Mode = 'text_to_image' | 'image_edit'

export interface Model {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly creator_organization: string
  readonly family: string
  readonly model_status: string
  readonly released?: string | null
  readonly aliases: readonly string[]
  readonly tags: readonly string[]
  readonly modes: readonly Mode[]
  readonly limits: Readonly<Record<string, number>>
  readonly starting_price: number | null
  readonly providers: readonly string[]
  readonly schema?: Readonly<Partial<Record<Mode, ParameterSchema>>>
}

export interface ParameterSchema {
  readonly properties: Readonly<Record<string, Parameter>>
  readonly required?: readonly string[]
}

/** A property of a compiled schema. */
export interface Parameter {
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly default?: unknown
  readonly minimum?: number
  readonly maximum?: number
  readonly maxLength?: number
  readonly maxItems?: number
  readonly description?: string
  readonly 'x-group'?: string
  readonly 'x-handling'?: Readonly<Record<string, string>>
  readonly 'x-providers'?: readonly string[]
  readonly 'x-kind'?: string
}

export interface Price {
  readonly metric: string
  readonly unit: string
  readonly usd?: number
  readonly source?: { readonly url: string; readonly checked_at: string; readonly note?: string }
  readonly [field: string]: unknown
}

export interface Performance {
  readonly p50_ms: number | null
  readonly p95_ms: number | null
  readonly mean_ms: number | null
  readonly success_rate: number | null
  readonly requests: number
}

export interface HourFigures extends Performance {
  readonly at: string
}

export type Window = '24h' | '7d' | '30d'

export interface Health {
  readonly status: string
  readonly until: string | null
  readonly in_flight: number
}

export interface Offering {
  readonly provider: string
  readonly provider_name: string
  readonly config_key: string
  readonly provider_model_id: string
  readonly modes: readonly Mode[]
  readonly regions: readonly string[]
  readonly available: boolean
  readonly deprecated_at: string | null
  readonly shutdown_at: string | null
  readonly notes: readonly string[]
  readonly pricing: readonly Price[]
  readonly performance: (Performance & { readonly source: string }) | null
  readonly performance_by_window: Readonly<Partial<Record<Window, Performance | null>>> | null
  readonly performance_by_hour?: readonly HourFigures[] | null
  readonly health: Health
}

export interface Candidate {
  readonly config_key: string
  readonly standing: string
  readonly until?: string
  readonly tries: number
  readonly shortcomings: number
  readonly score: number
  readonly terms: {
    readonly time_cost: number
    readonly money_cost: number
    readonly attempt_cost: number
    readonly success_probability: number
    readonly in_time_probability: number
    readonly success_seconds: number
    readonly failure_seconds: number
    readonly crowding: number
  }
  readonly first_tries_in_flight: number
  readonly slow_start_limit: number
}

export interface Decision {
  readonly type: string
  readonly after_ms?: number
  readonly chosen?: string
  readonly reason?: string
  readonly timeout_ms?: number
  readonly wait_ms?: number
  readonly probe?: string
}

export interface Excluded {
  readonly config_key: string
  readonly constraint: string
  readonly reason: string
}

export interface RoutingCandidate extends Candidate {
  readonly provider: string
  readonly provider_name: string
  readonly price_usd: number
  readonly health: Health
}

export interface RoutingNow {
  readonly model: string
  readonly mode: Mode
  readonly sort: string
  readonly decision: Decision
  readonly candidates: readonly RoutingCandidate[]
  readonly excluded: readonly Excluded[]
}

export interface Attempt {
  readonly provider: string
  readonly config_key: string
  readonly status: string
  readonly error_code?: string
  readonly duration_ms: number
}

export interface RequestRow {
  readonly id: string
  readonly created_at: string
  readonly model: string
  readonly endpoint: string
  readonly status: string
  readonly provider: string | null
  readonly attempts: readonly Attempt[]
  readonly cost: number
  readonly duration_ms: number
  readonly overhead_ms?: number | null
  readonly key_id: string | null
  readonly error_code: string | null
  readonly error_message: string | null
  readonly user: string | null
  readonly trace_id: string | null
  readonly request_size_bytes: number | null
  readonly response_size_bytes: number | null
}

export interface RequestDetails extends RequestRow {
  readonly routing: {
    readonly sort: string
    readonly decisions: readonly (Decision & { readonly candidates: readonly Candidate[] })[]
    readonly excluded: readonly Excluded[]
  }
}

export interface RequestPage {
  readonly data: readonly RequestRow[]
  readonly next_page_url: string | null
  readonly previous_page_url: string | null
  readonly summary?: { readonly total_cost: number; readonly count: number }
  readonly partial?: boolean
}

export interface Estimate {
  readonly provider: string
  readonly total_cost_micros: number
}

interface UsageFigures {
  readonly requests: number
  readonly completed: number
  readonly upstream_failure: number
  readonly success_rate: number | null
  readonly cost: number
  readonly p50_ms: number | null
  readonly p95_ms: number | null
}

export interface Usage {
  readonly window: Window
  readonly interval: string
  readonly totals: UsageFigures & {
    readonly rejected: number
    readonly cancelled: number
    readonly pending: number
    readonly overhead_p50_ms: number | null
    readonly overhead_p95_ms: number | null
  }
  readonly intervals: readonly (Omit<UsageFigures, 'success_rate'> & { readonly at: string })[]
  /** Without a name: all others together. */
  readonly models: readonly (UsageFigures & { readonly model: string | null })[]
  readonly providers: readonly (UsageFigures & {
    readonly provider: string | null
    readonly provider_name: string | null
  })[]
  readonly partial?: boolean
}

export interface GatewayStatus {
  readonly version: string
  readonly started_at: string
  readonly ready: boolean
  readonly requests_in_flight: number
  readonly requests_limit: number | null
  readonly bytes_in_flight: number
  readonly bytes_limit: number | null
  readonly redis: {
    readonly configured: boolean
    readonly reachable: boolean
    readonly reason: string | null
  }
  readonly providers: readonly {
    readonly provider: string
    readonly provider_name: string
    readonly configured: boolean
    readonly models: number
    readonly in_flight: number
    readonly status: string
    readonly offerings: readonly Pick<
      Health & { config_key: string },
      'config_key' | 'status' | 'until'
    >[]
  }[]
}

export interface Warning {
  readonly type: string
  readonly param?: string
  readonly message: string
}

export interface Metadata {
  readonly executed_model: string
  readonly provider: string
  readonly provider_name: string
  readonly cost: number
  readonly attempts: readonly Attempt[]
  readonly partial: boolean
}
