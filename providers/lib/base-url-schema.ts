import { Type } from '#src/domain/schema-type.ts'

/** Setting for where an API is called: an http or https URL without query and fragment. `fallback` absent: none. */
export const baseUrlSchema = (description: string, fallback?: string) =>
  Type.Optional(
    Type.String({
      description,
      pattern: String.raw`^https?://[^\s?#]+$`,
      ...(fallback !== undefined && { default: fallback }),
    }),
  )
