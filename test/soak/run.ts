import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { readMediaFileName } from '#src/images/media-store.ts'
import { createSoakLoad, type SoakLoad } from './soak-load.ts'
import { noisePicture } from './soak-picture.ts'
import { type SoakedGateway, startSoakedGateway, startSoakedProviders } from './soak-processes.ts'
import { busyGauges, type Held, measureHeld, untilIdle } from './soaked-process.ts'

/*
 * `npm run test:soak`: thousands of requests of all kinds, most with pictures of 1.5 MB, against one gateway. Ends with
 * status 1 when memory, sockets, files or gauges are left behind.
 */

/** Requests before the first measurement that counts: code is compiled, caches and logs are full. */
const WARM_UP = 200
/** Provider's seconds in one of ours. */
const TIME_SCALE = 20
/** How long images are hosted, in s. */
const MEDIA_TTL_S = 20
/** How often a gateway removes what has expired, in ms, and some more. */
const SWEEP_MS = 65_000
/** How long idle connections to providers are kept, in ms, and some more. */
const IDLE_CONNECTIONS_MS = 40_000

/** What may be held more at the end than after the warm-up. Generous: a leak of a picture in each request is gigabytes. */
const GROWTH = { rssMb: 150, heapMb: 25, externalMb: 40, openFiles: 10 } as const satisfies Held

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '2000' },
    'in-flight': { type: 'string', default: '32' },
  },
})
const requests = Number(values.requests)
const inFlight = Number(values['in-flight'])

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

type Row = Held & { readonly at: string }

const printTable = (rows: readonly Row[]): void => {
  console.log(
    '\n| after | RSS MB | heap MB | external MB | open files |\n| --- | ---: | ---: | ---: | ---: |',
  )
  for (const { at, rssMb, heapMb, externalMb, openFiles } of rows) {
    console.log(`| ${at} | ${rssMb} | ${heapMb} | ${externalMb} | ${openFiles} |`)
  }
}

/** What has grown by more than it may. */
const growthProblems = (before: Held, after: Held): string[] =>
  (Object.keys(GROWTH) as (keyof Held)[]).flatMap((name) => {
    const grownBy = Math.round(after[name] - before[name])
    return grownBy > GROWTH[name]
      ? [`${name} has grown by ${grownBy}, allowed: ${GROWTH[name]}`]
      : []
  })

/** Files whose time is over, and writes that were not finished. */
const leftFiles = async ({ mediaDir }: SoakedGateway): Promise<string[]> => {
  const names = (await readdir(mediaDir)).filter((name) => name !== '.signing-key')
  return names.filter(
    (name) => (readMediaFileName(name)?.expiresAtMs ?? 0) <= Date.now() - SWEEP_MS,
  )
}

const soak = async (gateway: SoakedGateway, load: SoakLoad): Promise<string[]> => {
  const rows: Row[] = []
  const measure = async (at: string): Promise<Row> => {
    await untilIdle(gateway.adminUrl, 20_000)
    const row = { at, ...(await measureHeld(gateway.adminUrl, gateway.collect)) }
    rows.push(row)
    return row
  }
  await measure('start')
  await load.run(WARM_UP, inFlight)
  const warm = await measure(`${WARM_UP} (warm-up)`)
  const begunMs = performance.now()
  for (let part = 1; part <= 4; part += 1) {
    await load.run(Math.round(requests / 4), inFlight)
    await measure(String(WARM_UP + Math.round((requests * part) / 4)))
  }
  const perSecond = Math.round((10_000 * requests) / (performance.now() - begunMs)) / 10
  await load.close()
  console.log(`waiting ${SWEEP_MS / 1000} s for what is tidied in the background`)
  await sleep(Math.max(SWEEP_MS, IDLE_CONNECTIONS_MS))
  const end = await measure('end, idle')
  printTable(rows)
  console.log(`\n${perSecond} requests a second; how they ended:`)
  for (const [name, count] of [...load.tally].toSorted()) console.log(`  ${name}: ${count}`)
  const busy = await busyGauges(gateway.adminUrl)
  const files = await leftFiles(gateway)
  return [
    ...growthProblems(warm, end),
    ...Object.entries(busy).map(([name, value]) => `${name} is ${value}`),
    ...(files.length > 0 ? [`${files.length} files are left in the media folder`] : []),
    ...[...new Set(load.surprises)].map((text) => `unexpected: ${text}`),
    ...[...new Set(gateway.errors())].map((line) => `logged: ${line}`),
  ]
}

const run = async (): Promise<readonly string[]> => {
  const providers = await startSoakedProviders(TIME_SCALE)
  const gateway = await startSoakedGateway({
    ...providers.environment,
    ADMIN_PORT: String(await freePort()),
    MEDIA_TTL_S: String(MEDIA_TTL_S),
    // Full after the warm-up.
    REQUEST_LOG_MAX: String(WARM_UP),
    LOG_LEVEL: 'info',
  })
  try {
    const problems = await soak(gateway, createSoakLoad(gateway.url, await noisePicture()))
    const { creates, jobsLeftRunning } = await providers.standing()
    console.log(`\n${creates} creates at providers, ${jobsLeftRunning} jobs left running`)
    const status = await gateway.stop()
    return status === 0 ? problems : [...problems, `the gateway ended with status ${status}`]
  } finally {
    await providers.stop()
  }
}

const problems = await run()
for (const problem of problems) console.log(`FAILED: ${problem.slice(0, 500)}`)
console.log(problems.length === 0 ? '\nsoaked, and nothing was left behind' : '')
process.exitCode = problems.length === 0 ? 0 : 1
