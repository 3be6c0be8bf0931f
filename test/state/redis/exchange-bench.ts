import { type Clock, systemClock } from '#src/domain/clock.ts'
import { createRedisExchange, type RedisSharing } from '#src/state/redis-exchange.ts'
import type { SharingStatus } from '#src/state/stats-sharing.ts'
import { createStatsRecorder, type StatsRecorder, success } from '#test/state/stats-recorder.ts'

/** A gateway's part in sharing, with what it hears. */
export interface TestGateway {
  readonly sharing: RedisSharing
  readonly heard: StatsRecorder
  /** What its owner was told, in order. */
  readonly statuses: SharingStatus[]
  /** Tells of so many successes now. */
  tell(successes: number, agoMs?: number): void
}

interface GatewayOptions {
  readonly timeScale?: number
  readonly clock?: Clock
  readonly configKeys?: readonly string[]
}

/** Gateways on one Redis; `close` ends them all. */
export const createExchangeBench = () => {
  const gateways: TestGateway[] = []

  /** One that is not started: exchanges happen when the test says `sync`. */
  const create = (url: string, options: GatewayOptions = {}): TestGateway => {
    const { timeScale = 1, clock = systemClock, configKeys = ['gemini/painter'] } = options
    const [heard, statuses] = [createStatsRecorder(), [] as SharingStatus[]]
    const onStatus = (status: SharingStatus) => statuses.push(status)
    const sharing = createRedisExchange({ url, clock, timeScale, configKeys, onStatus })
    sharing.attach(heard)
    const tell = (successes: number, agoMs = 0): void => {
      for (let told = 0; told < successes; told += 1) {
        sharing.exchange.share(success(clock.now() * timeScale - agoMs))
      }
    }
    const gateway = { sharing, heard, statuses, tell }
    gateways.push(gateway)
    return gateway
  }

  return {
    create,
    /** One that exchanges by itself, as often a second as its time scale says. Absent: twenty times. */
    start: async (url: string, options: GatewayOptions = {}): Promise<TestGateway> => {
      const gateway = create(url, { timeScale: 20, ...options })
      await gateway.sharing.start()
      return gateway
    },
    close: async (): Promise<void> => {
      await Promise.all(gateways.splice(0).map(({ sharing }) => sharing.close()))
    },
  }
}

/** One exchange of each, in order. */
export const syncAll = async (...gateways: readonly TestGateway[]): Promise<void> => {
  for (const { sharing } of gateways) await sharing.sync()
}
