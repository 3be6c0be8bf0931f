import { FAILURE_RULES, GATEWAY_ERRORS } from '#src/domain/errors.ts'

/*
 * All metrics of the gateway; Node's own come besides (create-metrics.ts). Names and units follow Prometheus'
 * conventions: base units, `_total` for counters, one unit per name. https://prometheus.io/docs/practices/naming/
 */

/** Values of a label that the catalogue gives. */
export interface CatalogLabels {
  /** Canonical ids. */
  readonly model: readonly string[]
  /** Slugs of all providers of the catalogue. */
  readonly provider: readonly string[]
  /** Config keys. */
  readonly offering: readonly string[]
  /** Names that a warning can be about: parameters of model cards, and what the gateway itself reads. */
  readonly param: readonly string[]
}

/** A closed set of values: written out here, or the catalogue's. Whatever is not in it is counted as `other`. */
export type LabelValues = readonly string[] | keyof CatalogLabels

export interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  /** What is counted or measured; the last part of the name, before `_total`, where it is a base unit. */
  readonly unit: string
  readonly labels: Readonly<Record<string, LabelValues>>
  /** Upper ends, in the unit; only of histograms. */
  readonly buckets?: readonly number[]
  /** Whether every value of every label is there from the start: an alert on `increase()` sees the first one, too. */
  readonly startsAtZero?: true
}

export const ENDPOINTS = ['generations', 'edits'] as const

const OUTCOMES = ['completed', 'rejected', 'upstream_failure', 'cancelled'] as const

const ERROR_CODES = Object.keys(GATEWAY_ERRORS)

/** `gateway_fault`: the provider served, but the gateway could not make the image ready. */
const ATTEMPT_OUTCOMES = ['completed', ...Object.keys(FAILURE_RULES), 'gateway_fault']

/** What the API consists of, for people who watch it; everything else is `other`. */
export const ROUTES = [
  'images_generations',
  'images_edits',
  'models',
  'requests',
  'balance',
  'keys',
  'media',
  'documents',
  'health',
  'metrics',
] as const

/** `499`: the client left before its answer was written whole. */
const STATUSES = [
  '200',
  '201',
  '202',
  '204',
  '206',
  '302',
  '304',
  '400',
  '401',
  '402',
  '403',
  '404',
].concat(['405', '409', '413', '415', '416', '429', '499', '500', '502', '503', '504'])

/** As at their admission (src/http/admission.ts). */
const SHED_REASONS = ['requests', 'memory', 'body'] as const

/** `ok`: it is tried as usual; else as routing's standings (src/routing/rank-options.ts). */
export const PROVIDER_STATES = ['ok', 'open', 'rate_limited', 'taken_out'] as const

/** Images take 5 to 90 s; emulators and cached answers less, the longest deadline is 900 s. */
const IMAGE_BUCKETS_S = [
  0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 7.5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600,
] as const

/** From what reading a request costs to what converting a 4K image to AVIF does. */
const OVERHEAD_BUCKETS_S = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
] as const

export const METRICS = {
  fresnel_requests_total: {
    type: 'counter',
    help: 'Requests for images that could be read and ended, by how; `upstream_failure`: every provider failed, or the gateway itself',
    unit: 'requests',
    labels: { endpoint: ENDPOINTS, model: 'model', outcome: OUTCOMES },
    startsAtZero: true,
  },
  fresnel_request_errors_total: {
    type: 'counter',
    help: 'Requests for images that could be read and ended with an error, by its code; those without a good key or a readable body are in `fresnel_http_responses_total` only',
    unit: 'requests',
    labels: { code: ERROR_CODES },
    startsAtZero: true,
  },
  fresnel_images_total: {
    type: 'counter',
    help: 'Images answered',
    unit: 'images',
    labels: { model: 'model' },
    startsAtZero: true,
  },
  fresnel_warnings_total: {
    type: 'counter',
    help: 'Parts of requests that were not done as asked; param none: no parameter in particular',
    unit: 'warnings',
    labels: { type: ['unsupported', 'adjusted', 'partial'], param: 'param' },
  },
  fresnel_attempts_total: {
    type: 'counter',
    help: 'Tries at providers that ended: completed, or the kind of failure; probes not included',
    unit: 'attempts',
    labels: { provider: 'provider', outcome: ATTEMPT_OUTCOMES },
    startsAtZero: true,
  },
  fresnel_probes_total: {
    type: 'counter',
    help: 'Paid copies of requests that found out whether a provider is back, by how they ended',
    unit: 'probes',
    labels: { provider: 'provider', outcome: ATTEMPT_OUTCOMES },
  },
  fresnel_cost_usd_total: {
    type: 'counter',
    help: 'What providers bill in US dollars, wasted attempts included; purpose request is what metadata.cost tells',
    unit: 'usd',
    labels: { provider: 'provider', model: 'model', purpose: ['request', 'probe'] },
  },
  fresnel_time_to_image_seconds: {
    type: 'histogram',
    help: 'Time from reading a request to its images being ready, of completed requests',
    unit: 'seconds',
    labels: { endpoint: ENDPOINTS, model: 'model' },
    buckets: IMAGE_BUCKETS_S,
  },
  fresnel_upstream_seconds: {
    type: 'histogram',
    help: 'Time that providers took per attempt, fetching their files included',
    unit: 'seconds',
    labels: { provider: 'provider', status: ['completed', 'failed', 'cancelled'] },
    buckets: IMAGE_BUCKETS_S,
  },
  fresnel_gateway_overhead_seconds: {
    type: 'histogram',
    help: 'Time per request during which no provider was waited for: conversion, storage, the gateway itself',
    unit: 'seconds',
    labels: { endpoint: ENDPOINTS },
    buckets: OVERHEAD_BUCKETS_S,
  },
  fresnel_http_responses_total: {
    type: 'counter',
    help: 'Answers of the API port, by status; 499: the client left before its answer was written whole',
    unit: 'responses',
    labels: { route: ROUTES, status: STATUSES },
  },
  fresnel_requests_in_flight: {
    type: 'gauge',
    help: 'Calls of the API port whose answer is not written whole yet',
    unit: 'requests',
    labels: {},
  },
  fresnel_detached_requests: {
    type: 'gauge',
    help: 'Requests under way for which no connection waits: answered at once, or taken over',
    unit: 'requests',
    labels: {},
  },
  fresnel_in_flight_bytes: {
    type: 'gauge',
    help: 'Bodies of the calls in flight: received, and answers that are being sent',
    unit: 'bytes',
    labels: { direction: ['received', 'sending'] },
  },
  fresnel_admitted_requests: {
    type: 'gauge',
    help: 'Requests for images under way, those included for which no connection waits',
    unit: 'requests',
    labels: {},
  },
  fresnel_admitted_requests_limit: {
    type: 'gauge',
    help: 'How many of them there may be; more are answered with 503',
    unit: 'requests',
    labels: {},
  },
  fresnel_memory_bytes: {
    type: 'gauge',
    help: 'Pictures and bodies that requests hold, and answers that wait for room',
    unit: 'bytes',
    labels: { state: ['held', 'waiting'] },
  },
  fresnel_memory_limit_bytes: {
    type: 'gauge',
    help: 'What requests may hold together: new ones are answered with 503 beyond half of it, answers wait beyond it',
    unit: 'bytes',
    labels: {},
  },
  fresnel_requests_shed_total: {
    type: 'counter',
    help: 'Requests for images that were turned away with 503: too many under way, no memory, none while the body came',
    unit: 'requests',
    labels: { reason: SHED_REASONS },
    startsAtZero: true,
  },
  fresnel_attempts_in_flight: {
    type: 'gauge',
    help: 'Tries under way at a provider',
    unit: 'attempts',
    labels: { provider: 'provider', model: 'model' },
  },
  fresnel_provider_state: {
    type: 'gauge',
    help: '1 for the state that a provider of a model is in, 0 for the others; open: its breaker takes it for down',
    unit: 'state',
    labels: { provider: 'provider', model: 'model', state: PROVIDER_STATES },
  },
  fresnel_offering_score: {
    type: 'gauge',
    help: 'What routing orders offerings by, for a plain picture of 1K, in weighted seconds; smaller is better',
    unit: 'weighted seconds',
    labels: { offering: 'offering', mode: ['text_to_image', 'image_edit'] },
  },
  fresnel_offering_success_ratio: {
    type: 'gauge',
    help: 'Probability that a try at the offering brings a plain picture of 1K, as routing believes',
    unit: 'ratio',
    labels: { offering: 'offering', mode: ['text_to_image', 'image_edit'] },
  },
  fresnel_offering_latency_seconds: {
    type: 'gauge',
    help: 'Time that a success takes there for a plain picture of 1K, as routing believes',
    unit: 'seconds',
    labels: { offering: 'offering', mode: ['text_to_image', 'image_edit'] },
  },
  fresnel_image_queue: {
    type: 'gauge',
    help: 'Pictures that are being decoded or encoded, and those that wait for their turn',
    unit: 'pictures',
    labels: { state: ['running', 'waiting'] },
  },
  fresnel_webhooks_under_way: {
    type: 'gauge',
    help: 'Webhooks that are neither told nor given up, those included that wait for their next try',
    unit: 'webhooks',
    labels: {},
  },
  fresnel_request_log_waiting: {
    type: 'gauge',
    help: 'Requests of the log that Redis has not been told; beyond 5000 the oldest are given up',
    unit: 'requests',
    labels: {},
  },
  fresnel_redis_configured: {
    type: 'gauge',
    help: 'Whether the gateway is to share anything through Redis',
    unit: 'boolean',
    labels: {},
  },
  fresnel_state_shared: {
    type: 'gauge',
    help: 'Whether what is learnt about providers is shared with other gateways through Redis',
    unit: 'boolean',
    labels: {},
  },
  fresnel_request_log_shared: {
    type: 'gauge',
    help: 'Whether the request log is shared with other gateways through Redis',
    unit: 'boolean',
    labels: {},
  },
  fresnel_runs_shared: {
    type: 'gauge',
    help: 'Whether idempotency keys and requests answered later are shared with other gateways through Redis',
    unit: 'boolean',
    labels: {},
  },
  fresnel_keys_shared: {
    type: 'gauge',
    help: 'Whether API keys, their limits and what they spend are shared with other gateways through Redis',
    unit: 'boolean',
    labels: {},
  },
  fresnel_key_refusals_total: {
    type: 'counter',
    help: 'Requests for images that were refused by a limit of their API key (429) or by its budget (402)',
    unit: 'refusals',
    labels: { reason: ['requests_per_minute', 'concurrent', 'budget'] },
    startsAtZero: true,
  },
  fresnel_spend_waiting: {
    type: 'gauge',
    help: 'Requests that keys with a budget have paid for, and of which Redis has not been told',
    unit: 'requests',
    labels: {},
  },
  fresnel_spend_waiting_usd: {
    type: 'gauge',
    help: 'What those requests have cost in US dollars: a restart would lose it, and other gateways do not know of it',
    unit: 'usd',
    labels: {},
  },
} as const satisfies Record<string, MetricDefinition>

export type MetricName = keyof typeof METRICS
type NameOf<Type> = {
  [Name in MetricName]: (typeof METRICS)[Name]['type'] extends Type ? Name : never
}[MetricName]
export type CounterName = NameOf<'counter'>
export type HistogramName = NameOf<'histogram'>
export type GaugeName = NameOf<'gauge'>

/** One value per label of a metric. */
export type LabelsOf<Name extends MetricName> = {
  readonly [Label in keyof (typeof METRICS)[Name]['labels']]: string
}

/** What stands for any value that is not in a label's set. */
export const OTHER = 'other'
/** Warnings about no parameter in particular. */
export const NO_PARAM = 'none'
