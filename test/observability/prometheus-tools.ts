import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import { freePort } from '#test/helpers/redis-server.ts'

const rules = new URL('../../docker/prometheus/', import.meta.url).pathname

const runs = (program: string): boolean => {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Whether Prometheus and its tool can be run here; both are in Debian's package `prometheus`. */
export const hasPrometheus = runs('promtool') && runs('prometheus')

/** Runs `promtool`; its exit code and all that it wrote. */
export const promtool = (arguments_: readonly string[], input = '') => {
  const { status, stdout, stderr } = spawnSync('promtool', arguments_, { input, encoding: 'utf8' })
  return { status, output: stdout + stderr }
}

/** One series of an answer. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [number, string]
}

/** A Prometheus that scrapes one gateway twice a second and evaluates our rules. */
export interface RunningPrometheus {
  query(query: string): Promise<readonly Series[]>
  /** What it says about the last scrape; empty: nothing is wrong with it. */
  scrapeError(): Promise<string>
  close(): Promise<void>
}

const configOf = (gatewayUrl: string, key: string): string =>
  JSON.stringify({
    global: { scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '500ms' },
    rule_files: [join(rules, 'recording.rules.yml'), join(rules, 'alerts.yml')],
    scrape_configs: [
      {
        job_name: 'fresnel',
        authorization: { credentials: key },
        static_configs: [{ targets: [new URL(gatewayUrl).host] }],
      },
    ],
  })

interface Answer {
  readonly status: string
  readonly error?: string
  readonly data: { readonly result: readonly Series[] }
}

interface Targets {
  readonly data: { readonly activeTargets: readonly { readonly lastError: string }[] }
}

export const startPrometheus = async (
  gatewayUrl: string,
  key: string,
): Promise<RunningPrometheus> => {
  const folder = await mkdtemp(join(tmpdir(), 'fresnel-prometheus-'))
  const file = join(folder, 'prometheus.yml')
  await writeFile(file, configOf(gatewayUrl, key))
  const address = `127.0.0.1:${await freePort()}`
  const child = spawn(
    'prometheus',
    [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(folder, 'series')}`,
      `--web.listen-address=${address}`,
    ],
    { stdio: 'ignore' },
  )
  const exited = once(child, 'exit')
  const api = `http://${address}/api/v1`
  await vi.waitFor(async () => expect((await fetch(`http://${address}/-/ready`)).ok).toBe(true), {
    timeout: 20_000,
    interval: 100,
  })
  return {
    query: async (query) => {
      const response = await fetch(`${api}/query?${new URLSearchParams({ query })}`)
      const { status, error, data } = (await response.json()) as Answer
      if (status !== 'success') throw new Error(`${query}: ${error}`)
      return data.result
    },
    scrapeError: async () => {
      const { data } = (await (await fetch(`${api}/targets`)).json()) as Targets
      return data.activeTargets.map(({ lastError }) => lastError).join()
    },
    close: async () => {
      child.kill('SIGTERM')
      await exited
      await rm(folder, { recursive: true, force: true })
    },
  }
}
