import { IDEOGRAM_3 } from '#test/emulators/pixel-tables.ts'
import {
  choice,
  IMAGE,
  PROMPT,
  type ReplicateModel,
  versionPage,
  whole,
} from '#test/emulators/replicate/replicate-model.ts'

const RESOLUTIONS =
  'None 512x1536 576x1408 576x1472 576x1536 640x1344 640x1408 640x1472 640x1536 704x1152 704x1216 704x1280 ' +
  '704x1344 704x1408 704x1472 736x1312 768x1088 768x1216 768x1280 768x1344 800x1280 832x960 832x1024 832x1088 ' +
  '832x1152 832x1216 832x1248 864x1152 896x960 896x1024 896x1088 896x1120 896x1152 960x832 960x896 960x1024 ' +
  '960x1088 1024x832 1024x896 1024x960 1024x1024 1088x768 1088x832 1088x896 1088x960 1120x896 1152x704 1152x832 ' +
  '1152x864 1152x896 1216x704 1216x768 1216x832 1248x832 1280x704 1280x768 1280x800 1312x736 1344x640 1344x704 ' +
  '1344x768 1408x576 1408x640 1408x704 1472x576 1472x640 1472x704 1536x512 1536x576 1536x640'

/**
 * `image` is painted over where `mask` is black, and neither is of use alone. Which format it answers with, and the
 * values of a `style_preset` that some clients know, are on record nowhere.
 */
const model: ReplicateModel = {
  source: versionPage(
    'ideogram-ai/ideogram-v3-quality',
    '03944eb99122997251eaa29263ada2fbc2cc943ccd8c27d3c8af453acde737c8',
    '2026-11-21',
  ),
  fields: {
    prompt: PROMPT,
    aspect_ratio: choice(Object.keys(IDEOGRAM_3), '1:1'),
    resolution: choice(RESOLUTIONS.split(' '), 'None'),
    magic_prompt_option: choice(['Auto', 'On', 'Off'], 'Auto'),
    image: IMAGE,
    mask: IMAGE,
    style_type: choice(['None', 'Auto', 'General', 'Realistic', 'Design'], 'None'),
    style_reference_images: { type: 'strings', isUri: true },
    seed: whole(0, 2_147_483_647),
  },
  sizing: {
    by: 'ratio',
    tables: { '1': IDEOGRAM_3 },
    tier: '1',
    ratio: '1:1',
    sizeField: { name: 'resolution', outranksRatio: true },
  },
  output: 'string',
  together: ['image', 'mask'],
}

export const IDEOGRAM_REPLICATE: Readonly<Record<string, ReplicateModel>> = {
  'ideogram-ai/ideogram-v3-turbo': model,
  'ideogram-ai/ideogram-v3-balanced': model,
  'ideogram-ai/ideogram-v3-quality': model,
}
