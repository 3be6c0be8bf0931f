import { RECRAFT_V4 } from '#test/emulators/pixel-tables.ts'
import { choice, type ReplicateModel } from '#test/emulators/replicate/replicate-model.ts'

const SIZES = Object.values(RECRAFT_V4).map(({ width, height }) => `${width}x${height}`)

/** "Size is ignored if an aspect ratio is set." Which format it answers with is on record nowhere. */
export const RECRAFT_REPLICATE: Readonly<Record<string, ReplicateModel>> = {
  'recraft-ai/recraft-v4': {
    source: {
      url: 'https://docs.scenario.com/get-started/generation/third-party-model-generation/third-party-model-generation-recraft-ai',
      checkedAt: '2026-07-01',
    },
    fields: {
      prompt: { type: 'string', isRequired: true, maxLength: 10_000 },
      aspect_ratio: choice(['Not set', ...Object.keys(RECRAFT_V4)], 'Not set'),
      size: choice(SIZES, '1024x1024'),
    },
    sizing: {
      by: 'ratio',
      tables: { '1': RECRAFT_V4 },
      tier: '1',
      ratio: 'Not set',
      sizeField: { name: 'size', outranksRatio: false },
    },
    output: 'string',
    format: 'webp',
  },
}
