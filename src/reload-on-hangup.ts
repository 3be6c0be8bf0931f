import type { RunningGateway } from './start-gateway.ts'

/**
 * Has SIGHUP read the models again. To be called at once, as starting may take seconds: what comes meanwhile counts when
 * the gateway is there.
 */
export const reloadOnHangup = (starting: Promise<Pick<RunningGateway, 'reload'>>): void => {
  process.on('SIGHUP', () => {
    starting.then(
      (gateway) => gateway.reload(),
      // A gateway that cannot start ends by itself.
      () => undefined,
    )
  })
}
