import {
  choice,
  flag,
  fraction,
  PROMPT,
  type ReplicateModel,
  renkuSchema,
  SEED,
  whole,
} from '#test/emulators/replicate/replicate-model.ts'

export const Z_IMAGE_REPLICATE: Readonly<Record<string, ReplicateModel>> = {
  'prunaai/z-image-turbo': {
    source: renkuSchema('prunaai-z-image-turbo'),
    fields: {
      prompt: PROMPT,
      height: whole(64, 2_048, 1_024),
      width: whole(64, 2_048, 1_024),
      num_inference_steps: whole(1, 50, 8),
      guidance_scale: fraction(0, 20, 0),
      seed: SEED,
      go_fast: flag(false),
      output_format: choice(['png', 'jpg', 'webp'], 'jpg'),
      output_quality: whole(0, 100, 80),
    },
    sizing: { by: 'width_height', default: 1_024 },
    output: 'string',
  },
}
