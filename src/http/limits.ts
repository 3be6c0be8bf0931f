/** Greatest body in bytes where no route says otherwise: whoever sends many of them fills little memory. */
export const MAX_SMALL_BODY_BYTES = 65_536

/** Greatest JSON body of a generation in bytes: a prompt of 50,000 characters takes at most 300 kB, escapes included. */
export const MAX_JSON_BODY_BYTES = 1024 * 1024

/** Greatest JSON body of an edit in bytes: 14 images of 5 MB as data URIs. */
export const MAX_JSON_EDIT_BYTES = 100 * 1000 * 1000

/** Greatest input image in bytes, as at OpenAI (`images.edit`, npm openai 7.55.0). */
export const MAX_INPUT_IMAGE_BYTES = 50 * 1000 * 1000

/** Greatest form in bytes: what the widest offering takes inline, 100 MB (Gemini API changelog, 2026-01-08). */
export const MAX_FORM_BYTES = 100 * 1000 * 1000

/** Greatest text field of a form in bytes. */
export const MAX_FIELD_BYTES = 512 * 1024

/** Most levels that a parameter's value may nest. */
export const MAX_NESTING = 64

/** Greatest numbers of parts of a form. More files than any model takes are read, so that the 400 can count them. */
export const MAX_FORM_FILES = 32
export const MAX_FORM_FIELDS = 128
