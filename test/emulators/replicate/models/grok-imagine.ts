import { areaTable } from '#test/emulators/pixel-tables.ts'
import {
  choice,
  IMAGE,
  PROMPT,
  type ReplicateModel,
  renkuSchema,
} from '#test/emulators/replicate/replicate-model.ts'

const RATIOS = [
  '1:1',
  '16:9',
  '9:16',
  '4:3',
  '3:4',
  '3:2',
  '2:3',
  '2:1',
  '1:2',
  '19.5:9',
  '9:19.5',
  '20:9',
  '9:20',
]

/** One image in, one out, no seed and no format. The pixels and the format are on record nowhere. */
export const GROK_IMAGINE_REPLICATE: Readonly<Record<string, ReplicateModel>> = {
  'xai/grok-imagine-image': {
    source: renkuSchema('xai-grok-imagine-image'),
    fields: { prompt: PROMPT, image: IMAGE, aspect_ratio: choice([...RATIOS, 'auto'], '1:1') },
    sizing: {
      by: 'ratio',
      tables: { '1': areaTable(RATIOS, 1) },
      tier: '1',
      ratio: '1:1',
      ignoresRatioOfEdits: true,
      keepsProportions: { multipleOf: 16, maxSide: 2_048 },
    },
    output: 'string',
    format: 'jpeg',
  },
}
