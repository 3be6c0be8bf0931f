import { writeFile } from 'node:fs/promises'
import { WrittenModelFileSchema } from '#src/domain/model-file.ts'

/** Where the JSON Schema of model files lies, which editors read by a file's `$schema`. */
export const MODEL_SCHEMA_FILE = new URL('../catalog/model-file.schema.json', import.meta.url)
  .pathname

/** JSON Schema 2020-12 of a model file as people write it. */
export const renderModelSchema = (): string => {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    ...WrittenModelFileSchema,
  }
  return `${JSON.stringify(schema, null, 2)}\n`
}

if (import.meta.main) await writeFile(MODEL_SCHEMA_FILE, renderModelSchema())
