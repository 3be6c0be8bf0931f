import type { InputBytes } from '#src/domain/image-request.ts'

/** Puts bytes into a request: the result stands for their base64, which is written only as the request is sent. */
export type PlaceBytes = (bytes: InputBytes) => string

/** Bytes → `data:image/png;base64,…`. */
export const toDataUri = (bytes: InputBytes, mediaType: string, place: PlaceBytes): string =>
  `data:${mediaType};base64,${place(bytes)}`
