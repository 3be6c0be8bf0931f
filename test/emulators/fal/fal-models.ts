import type { FalModel } from './fal-model.ts'
import { FLUX_1_FAL } from './models/flux-1.ts'
import { FLUX_2_FAL } from './models/flux-2.ts'
import { GPT_IMAGE_FAL } from './models/gpt-image.ts'
import { GROK_IMAGINE_FAL } from './models/grok-imagine.ts'
import { IDEOGRAM_FAL } from './models/ideogram.ts'
import { NANO_BANANA_FAL } from './models/nano-banana.ts'
import { QWEN_IMAGE_FAL } from './models/qwen-image.ts'
import { RECRAFT_FAL } from './models/recraft.ts'
import { SEEDREAM_FAL } from './models/seedream.ts'
import { Z_IMAGE_FAL } from './models/z-image.ts'

/** The endpoints served here, by their full id. */
export const FAL_MODELS: Readonly<Record<string, FalModel>> = {
  ...NANO_BANANA_FAL,
  ...FLUX_1_FAL,
  ...FLUX_2_FAL,
  ...SEEDREAM_FAL,
  ...QWEN_IMAGE_FAL,
  ...GPT_IMAGE_FAL,
  ...RECRAFT_FAL,
  ...IDEOGRAM_FAL,
  ...GROK_IMAGINE_FAL,
  ...Z_IMAGE_FAL,
}
