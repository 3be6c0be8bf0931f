import { GoogleGenAI } from '@google/genai/web'
import { createGoogleAdapter } from '#providers/lib/google/google-adapter.ts'
import { createGoogleModels } from '#providers/lib/google/published-models.ts'
import type { ProviderAdapter, ProviderDependencies } from '#src/domain/provider-adapter.ts'
import type { PublishedModels } from '#src/domain/published-model.ts'
import { GEMINI_NAME } from './errors.ts'

/** Google's public host (ai.google.dev/gemini-api/docs, read 2026-11). */
export const GEMINI_BASE_URL = 'https://generativelanguage.googleapis.com'

/**
 * The SDK's default became `v1` in 3.0; only `v1beta` is known to take every image field (js-genai release notes
 * v3.0.0, read 2026-11).
 */
const API_VERSION = 'v1beta'

export interface GeminiSettings {
  readonly apiKey: string
  readonly baseUrl: string
}

/**
 * The SDK's web entry is the same for calls with a key, but neither fills gaps from the environment nor prints to the
 * console what it finds there.
 */
const createCalls = ({ apiKey, baseUrl }: GeminiSettings): GoogleGenAI['models'] =>
  new GoogleGenAI({
    vertexai: false,
    apiKey,
    apiVersion: API_VERSION,
    httpOptions: { baseUrl },
  }).models

export const createGeminiAdapter = (
  settings: GeminiSettings,
  dependencies: ProviderDependencies,
): ProviderAdapter =>
  createGoogleAdapter({
    providerName: GEMINI_NAME,
    usesApiKey: true,
    dependencies,
    models: createCalls(settings),
  })

/** Reads the list of models of the Gemini API. */
export const createGeminiModels = (
  settings: GeminiSettings,
  dependencies: ProviderDependencies,
): PublishedModels =>
  createGoogleModels({
    providerName: GEMINI_NAME,
    dependencies,
    models: createCalls(settings),
  })
