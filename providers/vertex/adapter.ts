import { createRequire } from 'node:module'
import { GoogleGenAI as KeyedGoogleGenAI } from '@google/genai/web'
import { createGoogleAdapter, type GoogleSurface } from '#providers/lib/google/google-adapter.ts'
import {
  createGoogleModels,
  type GoogleModelCalls,
} from '#providers/lib/google/published-models.ts'
import type { ProviderAdapter, ProviderDependencies } from '#src/domain/provider-adapter.ts'
import type { PublishedModels } from '#src/domain/published-model.ts'
import { VERTEX_NAME } from './errors.ts'

const load = createRequire(import.meta.url)

/** The SDK with Google's own authentication, loaded by who uses it: a start without takes 100 ms less. */
const nodeSdk = (): typeof import('@google/genai') => load('@google/genai')

/** The SDK's own default for this surface; image models are served under it (js-genai 3.1.0, read 2026-11). */
const API_VERSION = 'v1beta1'

/** Image models are served here only (Vertex model pages, read 2026-11). */
export const DEFAULT_LOCATION = 'global'

/** Locations that stand for several regions and have hosts of their own form. */
const MULTI_REGIONS: ReadonlySet<string> = new Set(['us', 'eu'])

export interface VertexSettings {
  /** Express mode: a key instead of project and credentials; absent: Application Default Credentials. */
  readonly apiKey?: string | undefined
  /** Google Cloud project; needed without a key, and not used with one. */
  readonly project?: string | undefined
  readonly location: string
  /** Absent: the host that belongs to the location. */
  readonly baseUrl?: string | undefined
}

/**
 * The host of a location, as the SDK would choose it. It is passed explicitly, as the SDK otherwise lets the
 * environment override it.
 */
export const vertexBaseUrl = (settings: VertexSettings): string => {
  const { location } = settings
  if (settings.baseUrl !== undefined) return settings.baseUrl
  if (settings.apiKey !== undefined || location === DEFAULT_LOCATION) {
    return 'https://aiplatform.googleapis.com'
  }
  return MULTI_REGIONS.has(location)
    ? `https://aiplatform.${location}.rep.googleapis.com`
    : `https://${location}-aiplatform.googleapis.com`
}

export const createVertexAdapter = (
  settings: VertexSettings,
  dependencies: ProviderDependencies,
): ProviderAdapter =>
  createGoogleAdapter({
    providerName: VERTEX_NAME,
    usesApiKey: settings.apiKey !== undefined,
    dependencies,
    models: createCalls(settings),
  })

/** Reads the models that Google publishes in Vertex AI. */
export const createVertexModels = (
  settings: VertexSettings,
  dependencies: ProviderDependencies,
): PublishedModels =>
  createGoogleModels({
    providerName: VERTEX_NAME,
    dependencies,
    models: createCalls(settings),
  })

/**
 * With a key the SDK's web entry, which reads no environment. Without one the usual entry, as only that knows
 * Application Default Credentials; every option is given, since it fills gaps from the environment, its mode included.
 */
const createCalls = (settings: VertexSettings): GoogleSurface['models'] & GoogleModelCalls => {
  const { apiKey, project = '', location } = settings
  const shared = {
    vertexai: true,
    apiVersion: API_VERSION,
    httpOptions: { baseUrl: vertexBaseUrl(settings) },
  }
  return apiKey === undefined
    ? new (nodeSdk().GoogleGenAI)({ ...shared, project, location }).models
    : new KeyedGoogleGenAI({ ...shared, apiKey }).models
}
