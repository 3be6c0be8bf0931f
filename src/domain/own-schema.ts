/**
 * Options of Ajv for schemas that are written here, in TypeBox. Compiling the schema of schemas, to check them by it,
 * would take longer than all else, 10 to 20 ms for each instance of Ajv; and Ajv would tidy up its code for as long as it
 * takes to write it (model files: 142 ms, 98 without), which V8 does when it is worth it.
 */
export const OWN_SCHEMA = {
  meta: false,
  validateSchema: false,
  code: { optimize: false },
} as const
