import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ModelFile } from '#src/domain/model-file.ts'
import { readFirstModelFile } from './models.ts'

/** A model as an operator would add it: the first one under another name. */
export const ownModel = (
  id: string,
  change: (file: ModelFile) => void = () => undefined,
): ModelFile => {
  const file = readFirstModelFile()
  file.card = { ...file.card, id, aliases: [] }
  for (const offering of file.offerings) {
    offering.configKey = offering.configKey.replace(/\/.*?(-edit)?$/, `/${id}$1`)
  }
  change(file)
  return file
}

/** A folder of an operator's models. */
export const ownModels = (folder: string) => ({
  /** Writes text as it is, anything else as JSON. */
  put: (name: string, file: ModelFile | string): Promise<void> =>
    writeFile(join(folder, `${name}.json`), typeof file === 'string' ? file : JSON.stringify(file)),
  remove: (name: string): Promise<void> => rm(join(folder, `${name}.json`)),
})
