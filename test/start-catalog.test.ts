import { describe, expect, it } from 'vitest'
import { CatalogError, readModelFiles } from '#src/catalog/model-files.ts'
import { BUILT_IN_MODELS, startCatalog } from '#src/start-catalog.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { ownModel } from '#test/helpers/own-models.ts'

const silent = () => undefined
const logger = { info: silent, warn: silent, error: silent }
const config = { modelsDirs: ['/own'], fileKeys: [] }

/** A catalogue whose readings end when they are told to. */
const start = async () => {
  const readings: PromiseWithResolvers<Awaited<ReturnType<typeof readModelFiles>>>[] = []
  const folders: (readonly string[])[] = []
  const starting = startCatalog(config, logger, (asked) => {
    folders.push(asked)
    const reading = Promise.withResolvers<Awaited<ReturnType<typeof readModelFiles>>>()
    readings.push(reading)
    return reading.promise
  })
  readings[0]?.resolve([ownModel('first')])
  return { ...(await starting), readings, folders }
}
const ids = ({ models }: Awaited<ReturnType<typeof startCatalog>>['catalog']) =>
  models.map(({ card }) => card.id)

describe('the models of a gateway', () => {
  it('are those that come with it and those of its folders, each time', async () => {
    const { reload, readings, folders } = await start()
    const reloading = reload()
    await expect.poll(() => readings.length).toBe(2)
    readings[1]?.resolve([])
    await reloading
    expect(folders).toEqual([
      [BUILT_IN_MODELS, '/own'],
      [BUILT_IN_MODELS, '/own'],
    ])
    const builtIn = await readModelFiles([BUILT_IN_MODELS])
    expect(builtIn.map(({ card }) => card.id)).toContain(FIRST_MODEL)
  })

  it('are read one time after the other, so that what was read last counts', async () => {
    const { catalog, reload, readings } = await start()
    const [second, third] = [reload(), reload()]
    await expect.poll(() => readings.length).toBe(2)
    // A reading that began meanwhile would have been asked for by now.
    await new Promise(setImmediate)
    expect(readings).toHaveLength(2)
    readings[1]?.resolve([ownModel('second')])
    expect(await second).toBe(true)
    expect(ids(catalog)).toEqual(['second'])
    await expect.poll(() => readings.length).toBe(3)
    readings[2]?.resolve([ownModel('third')])
    expect(await third).toBe(true)
    expect(ids(catalog)).toEqual(['third'])
  })

  it('stay when a reading fails, for whatever reason, and can be read again', async () => {
    const { catalog, reload, readings } = await start()
    for (const error of [new CatalogError(['/x: is wrong']), new Error('unexpected'), 'no error']) {
      const reloading = reload()
      const reading = readings.length
      await expect.poll(() => readings.length).toBe(reading + 1)
      readings.at(-1)?.reject(error)
      expect(await reloading).toBe(false)
      expect(ids(catalog)).toEqual(['first'])
    }
    const reloading = reload()
    await expect.poll(() => readings.length).toBe(5)
    readings[4]?.resolve([ownModel('last')])
    expect(await reloading).toBe(true)
    expect(ids(catalog)).toEqual(['last'])
  })

  it('are those of providers that there are', async () => {
    const known: unknown[] = []
    await startCatalog(config, logger, async (_, reading) => {
      known.push(reading?.providers)
      return []
    })
    expect(known).toEqual([['gemini', 'vertex', 'fal', 'replicate']])
  })

  it('do not start when they cannot be read', async () => {
    const failing = () => Promise.reject(new CatalogError(['/x: is wrong']))
    await expect(startCatalog(config, logger, failing)).rejects.toThrow('/x: is wrong')
  })
})
