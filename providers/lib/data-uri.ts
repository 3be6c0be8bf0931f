/** Puts bytes into a request: the result stands for their base64, which is written only as the request is sent. */
export type PlaceBytes = (bytes: Uint8Array) => string

/** Bytes → `data:image/png;base64,…`. */
export const toDataUri = (bytes: Uint8Array, mediaType: string, place: PlaceBytes): string =>
  `data:${mediaType};base64,${place(bytes)}`
