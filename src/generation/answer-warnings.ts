import type { Warning } from '#src/domain/image-request.ts'
import type { WantedImages } from '#src/domain/image-result.ts'
import type { GeneratedImage } from './generated-image.ts'

/** What an answer was asked to be. */
interface Asked {
  readonly count: number
  readonly wanted: WantedImages
  /** What the gateway itself does otherwise than asked. */
  readonly warnings: readonly Warning[]
}

const partialWarning = (got: number, asked: number): Warning => ({
  type: 'partial',
  param: 'n',
  message: `${got} of ${asked} images were made; the others failed at every provider that was tried.`,
})

/** A quality that was asked for without a format, where the provider's format has none. */
const compressionWarning = (
  images: readonly GeneratedImage[],
  { outputCompression, outputFormat }: WantedImages,
): Warning[] => {
  const isLost =
    outputCompression !== undefined &&
    outputFormat === undefined &&
    images.some(({ image }) => image.format === 'png' || image.format === 'gif')
  const message =
    'output_compression has no meaning for the format that came; ask for an output_format too.'
  return isLost ? [{ type: 'unsupported', param: 'output_compression', message }] : []
}

/** Images that could not be converted: too large for an encoder, or to be decoded. */
const conversionWarnings = (
  images: readonly GeneratedImage[],
  { outputFormat: asked }: WantedImages,
): Warning[] =>
  images.flatMap(({ image: { format, isUnconverted } }): Warning[] => {
    if (!isUnconverted) return []
    const what = `The image could not be converted, and is given as it came: ${format}`
    return asked === undefined || asked === format
      ? [
          {
            type: 'unsupported',
            param: 'output_compression',
            message: `${what}, not compressed anew.`,
          },
        ]
      : [{ type: 'adjusted', param: 'output_format', message: `${what} instead of ${asked}.` }]
  })

/** Everything that was not done as asked, each once. */
export const answerWarnings = (
  images: readonly GeneratedImage[],
  { count, wanted, warnings }: Asked,
): Warning[] => {
  const all = [
    ...warnings,
    ...images.flatMap((image) => image.warnings),
    ...conversionWarnings(images, wanted),
    ...compressionWarning(images, wanted),
    ...(images.length < count ? [partialWarning(images.length, count)] : []),
  ]
  return [...new Map(all.map((warning) => [warning.message, warning])).values()]
}
