import { drawPicture, type PictureSize } from './noise-picture.ts'
import type { Side } from './sides.ts'
import type { Stage } from './stage.ts'

/** An answer in OpenAI's shape. */
interface ImageAnswer {
  readonly data: readonly [{ readonly b64_json?: string; readonly url?: string }]
}

const pictureOf = async ({ data: [image] }: ImageAnswer): Promise<Buffer> => {
  if (image.b64_json !== undefined) return Buffer.from(image.b64_json, 'base64')
  return Buffer.from(await (await fetch(image.url ?? '')).arrayBuffer())
}

/** Rejects unless each side answers with exactly the picture that the upstream drew: speed alone proves nothing. */
export const checkAnswers = async (
  stage: Stage,
  sides: readonly Side[],
  size: PictureSize,
): Promise<void> => {
  await stage.upstream.call('set', { size, isHeld: false })
  const drawn = await drawPicture(size)
  for (const { name, target } of sides) {
    const { origin, path, headers, body } = target
    const response = await fetch(origin + path, { method: 'POST', headers, body })
    const picture = await pictureOf((await response.json()) as ImageAnswer)
    if (!picture.equals(drawn)) throw new Error(`${name} answers with another picture`)
  }
}
