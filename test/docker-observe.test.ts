import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'

const root = new URL('../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')

interface Service {
  readonly image?: string
  readonly profiles?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly volumes?: readonly string[]
  readonly ports?: readonly string[]
  readonly read_only?: boolean
}

const compose = parse(read('docker-compose.yml'), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, unknown>>
}
const observers = Object.entries(compose.services).filter(([, { profiles = [] }]) =>
  profiles.includes('observe'),
)

describe('the compose profile observe', () => {
  it('runs Prometheus and Grafana in pinned versions, hardened, on loopback', () => {
    expect(observers.map(([name]) => name)).toEqual(['prometheus', 'grafana'])
    for (const [name, { image, ports = [], read_only }] of observers) {
      expect(image, name).toMatch(/:v?\d+\.\d+\.\d+$/)
      expect(read_only, name).toBe(true)
      for (const port of ports) expect(port, name).toMatch(/^127\.0\.0\.1:/)
    }
  })

  it('mounts what exists', () => {
    for (const [, { volumes = [] }] of observers) {
      for (const volume of volumes) {
        const [source = ''] = volume.split(':')
        const isThere = source.startsWith('./')
          ? existsSync(new URL(source, root))
          : source in compose.volumes
        expect(isThere, volume).toBe(true)
      }
    }
  })

  it('scrapes the port of the gateway that serves metrics inside the network', () => {
    const { scrape_configs } = parse(read('docker/prometheus/prometheus.yml')) as {
      readonly scrape_configs: readonly {
        readonly job_name: string
        readonly dns_sd_configs: readonly { readonly names: string[]; readonly port: number }[]
      }[]
    }
    expect(scrape_configs).toMatchObject([
      { job_name: 'fresnel', dns_sd_configs: [{ names: ['gateway'], type: 'A', port: 9090 }] },
    ])
    const { environment = {}, ports = [] } = compose.services['gateway'] ?? {}
    expect(environment['ADMIN_HOST']).toBe('0.0.0.0')
    expect(ports.join()).not.toContain('9090')
  })

  it('shows the dashboard from the Prometheus that is there', () => {
    const { datasources } = parse(
      read('docker/grafana/provisioning/datasources/prometheus.yml'),
    ) as { readonly datasources: readonly { readonly uid: string; readonly url: string }[] }
    expect(datasources).toMatchObject([
      { uid: 'fresnel-prometheus', type: 'prometheus', url: 'http://prometheus:9090' },
    ])
    const { providers } = parse(read('docker/grafana/provisioning/dashboards/fresnel.yml')) as {
      readonly providers: readonly { readonly options: { readonly path: string } }[]
    }
    const folder = providers[0]?.options.path
    const grafana = compose.services['grafana']
    expect(grafana?.volumes).toContain(`./docker/grafana/dashboards:${folder}:ro`)
    const home = grafana?.environment?.['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH']
    expect(home).toBe(`${folder}/fresnel.json`)
    const uids = [
      ...read('docker/grafana/dashboards/fresnel.json').matchAll(/"uid": "(fresnel-[^"]*)"/g),
    ].map(([, uid]) => uid)
    expect(new Set(uids)).toEqual(new Set(['fresnel-prometheus']))
  })

  it('has panels that do not overlap, each with its own id', () => {
    const { panels } = JSON.parse(read('docker/grafana/dashboards/fresnel.json')) as {
      readonly panels: readonly {
        readonly id: number
        readonly gridPos: { readonly x: number; readonly y: number; w: number; h: number }
      }[]
    }
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    const taken = new Set<string>()
    for (const { id, gridPos } of panels) {
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(taken.has(`${x} ${y}`), `panel ${id}`).toBe(false)
          expect(x).toBeLessThan(24)
          taken.add(`${x} ${y}`)
        }
      }
    }
  })
})
