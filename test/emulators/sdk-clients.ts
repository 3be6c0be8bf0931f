import { createFalClient, type FalClient } from '@fal-ai/client'
import Replicate from 'replicate'
import { EMULATOR_KEYS, type Emulator } from './emulator.ts'

/** The official client of fal, led to the emulator. */
export const connectFal = ({ url }: Emulator): FalClient =>
  createFalClient({
    credentials: EMULATOR_KEYS.fal,
    requestMiddleware: async (sent) => ({
      ...sent,
      url: sent.url.replace(/^https:\/\/(queue\.fal\.run|rest\.fal\.ai)/, url),
    }),
  })

/** The official client of Replicate, led to the emulator. */
export const connectReplicate = ({ url }: Emulator): Replicate =>
  new Replicate({ auth: EMULATOR_KEYS.replicate, baseUrl: `${url}/v1`, useFileOutput: false })
