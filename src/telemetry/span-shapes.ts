import { type Attributes, SpanKind } from '@opentelemetry/api'
import type { Activity, SpanFacts } from '#src/domain/tracer.ts'

/*
 * The one table of all spans. Names by OpenTelemetry's semantic conventions (HTTP and general 1.41, generative AI in
 * development; read 2026-11); what these have no name for begins with `fresnel.`.
 */

/** What a span begins with. */
export interface SpanShape {
  readonly name: string
  readonly kind: SpanKind
  readonly attributes: Attributes
}

type Shapes = {
  readonly [Type in Activity['type']]: (activity: Extract<Activity, { type: Type }>) => SpanShape
}

/** Providers that the conventions have a name for. */
const PROVIDER_NAMES: Readonly<Record<string, string>> = {
  gemini: 'gcp.gemini',
  vertex: 'gcp.vertex_ai',
}

/** The conventions' word for what makes text or pictures of text and pictures. */
const OPERATION = 'generate_content'

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 }

/** Nothing that follows the port: paths open images as often as queries do. */
const addressOf = ({ hostname, port, protocol }: URL): Attributes => {
  const number = port === '' ? DEFAULT_PORTS[protocol] : Number(port)
  return {
    'server.address': hostname.replace(/^\[|\]$/g, ''),
    ...(number !== undefined && { 'server.port': number }),
  }
}

const schemeOf = ({ protocol }: URL): string => protocol.replace(/:$/, '')

const locationOf = (text: string): Attributes => {
  const url = URL.parse(text)
  return url === null ? {} : { 'url.scheme': schemeOf(url), ...addressOf(url) }
}

const SHAPES: Shapes = {
  call: ({ method, route, baseUrl, protocolVersion }) => ({
    name: `${method} ${route}`,
    kind: SpanKind.SERVER,
    attributes: {
      'http.request.method': method,
      'http.route': route,
      // The routes of image requests have no parameters.
      'url.path': route,
      'network.protocol.version': protocolVersion,
      ...locationOf(baseUrl),
    },
  }),
  generation: ({ requestId, mode }) => ({
    name: mode === 'image_edit' ? 'edit images' : 'generate images',
    kind: SpanKind.INTERNAL,
    attributes: { 'fresnel.request.id': requestId, 'fresnel.mode': mode },
  }),
  attempt: ({ attemptId, provider, configKey, providerModelId, count, purpose }) => ({
    name: `${OPERATION} ${providerModelId}`,
    kind: SpanKind.CLIENT,
    attributes: {
      'gen_ai.operation.name': OPERATION,
      'gen_ai.provider.name': PROVIDER_NAMES[provider] ?? provider,
      'gen_ai.request.model': providerModelId,
      'gen_ai.output.type': 'image',
      ...(count !== 1 && { 'gen_ai.request.choice.count': count }),
      'fresnel.provider': provider,
      'fresnel.config_key': configKey,
      'fresnel.attempt.id': attemptId,
      'fresnel.attempt.purpose': purpose,
    },
  }),
  fetch: ({ purpose, url }) => ({
    name: 'GET',
    kind: SpanKind.CLIENT,
    attributes: {
      'http.request.method': 'GET',
      ...locationOf(url),
      'fresnel.image.purpose': purpose,
    },
  }),
  transcoding: ({ purpose, format }) => ({
    name: 'transcode image',
    kind: SpanKind.INTERNAL,
    attributes: { 'fresnel.image.purpose': purpose, 'fresnel.image.format': format },
  }),
  hosting: ({ format }) => ({
    name: 'store image',
    kind: SpanKind.INTERNAL,
    attributes: { 'fresnel.image.format': format },
  }),
}

/** How an activity is shown from its beginning on. */
export const shapeOf = (activity: Activity): SpanShape =>
  (SHAPES[activity.type] as (activity: Activity) => SpanShape)(activity)

/** What has become known of it; `undefined` ones are left out by the SDK. */
export const attributesOf = (facts: SpanFacts): Attributes => ({
  'fresnel.outcome': facts.outcome,
  'error.type': facts.errorType,
  'http.response.status_code': facts.httpStatus,
  ...(facts.serverUrl && addressOf(facts.serverUrl)),
  'gen_ai.response.id': facts.providerRequestId,
  'fresnel.model': facts.modelId,
  'gen_ai.usage.input_tokens': facts.usage?.inputTokens,
  'gen_ai.usage.output_tokens': facts.usage?.outputTokens,
  'fresnel.images': facts.images,
  'fresnel.cost_usd': facts.costUsd,
  'fresnel.image.size_bytes': facts.sizeBytes,
})
