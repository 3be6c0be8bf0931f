import { FLUX_1_REPLICATE } from './models/flux-1.ts'
import { FLUX_2_REPLICATE } from './models/flux-2.ts'
import { GPT_IMAGE_REPLICATE } from './models/gpt-image.ts'
import { GROK_IMAGINE_REPLICATE } from './models/grok-imagine.ts'
import { IDEOGRAM_REPLICATE } from './models/ideogram.ts'
import { NANO_BANANA_REPLICATE } from './models/nano-banana.ts'
import { QWEN_IMAGE_REPLICATE } from './models/qwen-image.ts'
import { RECRAFT_REPLICATE } from './models/recraft.ts'
import { SEEDREAM_REPLICATE } from './models/seedream.ts'
import { Z_IMAGE_REPLICATE } from './models/z-image.ts'
import type { ReplicateModel } from './replicate-model.ts'

/** The official models served here, as `owner/name`. */
export const REPLICATE_MODELS: Readonly<Record<string, ReplicateModel>> = {
  ...NANO_BANANA_REPLICATE,
  ...FLUX_1_REPLICATE,
  ...FLUX_2_REPLICATE,
  ...SEEDREAM_REPLICATE,
  ...QWEN_IMAGE_REPLICATE,
  ...GPT_IMAGE_REPLICATE,
  ...RECRAFT_REPLICATE,
  ...IDEOGRAM_REPLICATE,
  ...GROK_IMAGINE_REPLICATE,
  ...Z_IMAGE_REPLICATE,
}
