import { expect } from 'vitest'
import { createFirstCatalog, FIRST_MODEL } from '#test/helpers/models.ts'
import { GENERATIONS, type TestGateway } from '#test/helpers/start-test-gateway.ts'
import type { SpanTree } from './otlp-collector.ts'
import type { Attribute } from './otlp-protobuf.ts'

/*
 * Whole spans as they are to come, whatever differs from run to run left open. Each takes what differs from the usual; an
 * attribute that is undefined is not there.
 */

type Attributes = Readonly<Record<string, Attribute | undefined>>
type Part = Partial<Pick<SpanTree, 'parts' | 'status' | 'name'>>

const anyText: Attribute = expect.any(String)
const anyNumber: Attribute = expect.any(Number)

const present = (attributes: Attributes): Record<string, Attribute> =>
  Object.fromEntries(
    Object.entries(attributes).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  )

const portOf = (url: string): number => Number(new URL(url).port)

/** A call of the API. */
export const callSpan = (
  gateway: TestGateway,
  parts: readonly SpanTree[],
  { status = 200, route = GENERATIONS, ...attributes }: Attributes & { route?: string } = {},
): SpanTree => ({
  name: `POST ${route}`,
  kind: 'server',
  status: Number(status) >= 500 ? 'error' : 'unset',
  attributes: present({
    'http.request.method': 'POST',
    'http.route': route,
    'url.path': route,
    'url.scheme': 'http',
    'server.address': '127.0.0.1',
    'server.port': portOf(gateway.url),
    'network.protocol.version': '1.1',
    'http.response.status_code': status,
    'error.type': Number(status) >= 500 ? String(status) : undefined,
    ...attributes,
  }),
  parts,
})

/** The work for a request. */
export const generationSpan = (
  parts: readonly SpanTree[],
  attributes: Attributes = {},
  part: Part = {},
): SpanTree => ({
  name: 'generate images',
  kind: 'internal',
  status: 'unset',
  attributes: present({
    'fresnel.request.id': anyText,
    'fresnel.mode': 'text_to_image',
    'fresnel.model': FIRST_MODEL,
    'fresnel.outcome': 'completed',
    'fresnel.images': 1,
    'fresnel.cost_usd': anyNumber,
    ...attributes,
  }),
  parts,
  ...part,
})

/** What Google tells of its tokens. */
export const USAGE = {
  'gen_ai.usage.input_tokens': anyNumber,
  'gen_ai.usage.output_tokens': anyNumber,
}

const NAMES: Readonly<Record<string, string>> = { gemini: 'gcp.gemini', vertex: 'gcp.vertex_ai' }
const [MODEL] = createFirstCatalog().models

/** The id under which a provider knows the first model. */
const idAt = (provider: string): string => {
  const offering = MODEL?.offerings.find((each) => each.provider === provider)
  if (!offering) throw new Error(`${provider} does not offer the model`)
  return offering.providerModelId
}

type Provider = 'gemini' | 'vertex' | 'fal' | 'replicate'

/** A try at a provider. */
export const attemptSpan = (
  gateway: TestGateway,
  provider: Provider,
  attributes: Attributes = {},
  part: Part = {},
): SpanTree => ({
  name: `generate_content ${idAt(provider)}`,
  kind: 'client',
  status: 'unset',
  attributes: present({
    'gen_ai.operation.name': 'generate_content',
    'gen_ai.provider.name': NAMES[provider] ?? provider,
    'gen_ai.request.model': idAt(provider),
    'gen_ai.output.type': 'image',
    'gen_ai.response.id': anyText,
    'server.address': '127.0.0.1',
    'server.port': portOf(gateway.emulators[provider].url),
    'fresnel.provider': provider,
    'fresnel.config_key': `${provider}/${FIRST_MODEL}`,
    'fresnel.attempt.id': anyText,
    'fresnel.attempt.purpose': 'request',
    'fresnel.outcome': 'completed',
    'fresnel.cost_usd': anyNumber,
    ...(NAMES[provider] !== undefined && USAGE),
    ...attributes,
  }),
  parts: [],
  ...part,
})

/** What a try without an image does not have. */
export const NO_USAGE = {
  'gen_ai.usage.input_tokens': undefined,
  'gen_ai.usage.output_tokens': undefined,
}

/** What a try without any answer does not have. */
export const NOTHING_CAME = { ...NO_USAGE, 'gen_ai.response.id': undefined }

/** A download. */
export const fetchSpan = (
  url: string,
  purpose: 'provider_output' | 'client_input',
  attributes: Attributes = {},
  part: Part = {},
): SpanTree => ({
  name: 'GET',
  kind: 'client',
  status: 'unset',
  attributes: present({
    'http.request.method': 'GET',
    'http.response.status_code': 200,
    'url.scheme': 'http',
    'server.address': '127.0.0.1',
    'server.port': portOf(url),
    'fresnel.image.purpose': purpose,
    'fresnel.image.size_bytes': anyNumber,
    ...attributes,
  }),
  parts: [],
  ...part,
})

/** What the gateway itself does with a picture. */
const pictureSpan = (name: string, attributes: Attributes, part: Part): SpanTree => ({
  name,
  kind: 'internal',
  status: 'unset',
  attributes: present({ 'fresnel.image.size_bytes': anyNumber, ...attributes }),
  parts: [],
  ...part,
})

export const transcodingSpan = (format: string, purpose = 'provider_output', part: Part = {}) =>
  pictureSpan(
    'transcode image',
    { 'fresnel.image.format': format, 'fresnel.image.purpose': purpose },
    part,
  )

export const hostingSpan = (format: string, attributes: Attributes = {}, part: Part = {}) =>
  pictureSpan('store image', { 'fresnel.image.format': format, ...attributes }, part)
