import { areaTable, QWEN_IMAGE } from '#test/emulators/pixel-tables.ts'
import {
  choice,
  flag,
  fraction,
  IMAGE,
  PROMPT,
  type ReplicateModel,
  renkuSchema,
  SEED,
  WEBP_JPG_PNG,
  whole,
} from '#test/emulators/replicate/replicate-model.ts'

const RATIOS = Object.keys(QWEN_IMAGE)
const EDIT_RATIOS = ['1:1', '16:9', '9:16', '4:3', '3:4']

/** What size the faster setting gives is on record nowhere; one megapixel is taken. */
const qwenImage: ReplicateModel = {
  source: renkuSchema('qwen-qwen-image'),
  fields: {
    prompt: PROMPT,
    enhance_prompt: flag(false),
    lora_weights: { type: 'string' },
    replicate_weights: { type: 'string' },
    lora_scale: { type: 'number', default: 1 },
    extra_lora_weights: { type: 'strings' },
    extra_lora_scale: { type: 'numbers' },
    image: IMAGE,
    strength: fraction(0, 1, 0.9),
    negative_prompt: { type: 'string', default: ' ' },
    aspect_ratio: choice(RATIOS, '16:9'),
    image_size: choice(['optimize_for_quality', 'optimize_for_speed'], 'optimize_for_quality'),
    go_fast: flag(true),
    num_inference_steps: whole(1, 50, 30),
    guidance: fraction(0, 10, 3),
    seed: SEED,
    output_format: choice(WEBP_JPG_PNG, 'webp'),
    output_quality: whole(0, 100, 80),
    disable_safety_checker: flag(false),
  },
  sizing: {
    by: 'ratio',
    tables: { optimize_for_quality: QWEN_IMAGE, optimize_for_speed: areaTable(RATIOS, 1) },
    tierField: 'image_size',
    tier: 'optimize_for_quality',
    ratio: '16:9',
  },
  output: 'list',
}

/** How many images are taken, and the pixels of the ratios, are on record nowhere. */
const edit2511: ReplicateModel = {
  source: renkuSchema('qwen-qwen-image-edit-2511'),
  fields: {
    prompt: PROMPT,
    image: { type: 'strings', isUri: true, isRequired: true },
    aspect_ratio: choice([...EDIT_RATIOS, 'match_input_image'], 'match_input_image'),
    go_fast: flag(true),
    seed: SEED,
    output_format: choice(WEBP_JPG_PNG, 'webp'),
    output_quality: whole(0, 100, 95),
    disable_safety_checker: flag(false),
  },
  sizing: {
    by: 'ratio',
    tables: { '1': areaTable(EDIT_RATIOS, 1) },
    tier: '1',
    ratio: 'match_input_image',
    keepsProportions: { multipleOf: 16, maxSide: 2_048 },
  },
  output: 'list',
}

export const QWEN_IMAGE_REPLICATE: Readonly<Record<string, ReplicateModel>> = {
  'qwen/qwen-image': qwenImage,
  'qwen/qwen-image-edit-2511': edit2511,
}
