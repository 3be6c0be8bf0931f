import { randomBytes } from 'node:crypto'
import sharp from 'sharp'
import { EMULATOR_KEYS } from '#test/emulators/emulator.ts'
import { TEST_KEY } from '#test/helpers/start-test-gateway.ts'
import { PLANTED_ANSWER } from './hostile-upstream.ts'

const SIGNING_BYTES = Buffer.alloc(32, 7)

/** What is planted, by what it is. */
export const PLANTED = {
  prompt: 'planted-prompt-zebra',
  gatewayKey: TEST_KEY,
  adminKey: 'planted-admin-key-7f3a',
  wrongKey: 'planted-wrong-key',
  redisPassword: 'planted-redis-password',
  mediaSigningKey: 'planted-media-signing-key-0123456789abcdef',
  webhookSecret: SIGNING_BYTES.toString('base64'),
  upstreamAnswer: PLANTED_ANSWER,
  inputUrl: 'planted-input-url',
  geminiKey: EMULATOR_KEYS.gemini,
  vertexKey: EMULATOR_KEYS.vertex,
  falKey: EMULATOR_KEYS.fal,
  replicateKey: EMULATOR_KEYS.replicate,
} as const

/** Told by the client in the webhook’s URL, which Redis has to know and nobody else. */
export const HOOK_TOKEN = 'planted-hook-token'

/** A picture whose bytes are like no other’s. */
export const makePlantedPicture = (): Promise<Buffer> =>
  sharp(randomBytes(64 * 48 * 3), { raw: { width: 64, height: 48, channels: 3 } })
    .png()
    .toBuffer()

const PIECE_BYTES = 30

/** Pieces of a file as base64, as base64 for URLs and as bytes, from places that no other file shares. */
export const piecesOf = (file: Buffer): string[] =>
  [0.4, 0.5, 0.6].flatMap((share) => {
    const start = 3 * Math.floor((file.length * share) / 3)
    const piece = file.subarray(start, start + PIECE_BYTES)
    return [piece.toString('base64'), piece.toString('base64url'), piece.toString('latin1')]
  })
