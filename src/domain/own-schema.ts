/**
 * Options of Ajv for schemas that are written here, in TypeBox: compiling the schema of schemas, to check them by it,
 * would take longer than all else, 10 to 20 ms for each instance of Ajv.
 */
export const OWN_SCHEMA = { meta: false, validateSchema: false } as const
