import { afterAll, beforeEach } from 'vitest'
import {
  resetEmulators,
  startTestGateway,
  type TestGateway,
  type TestGatewayOptions,
} from './start-test-gateway.ts'

/** Starts one gateway for all tests of a file; before each of them its emulators are as new. */
export const gatewayOfFile = async (options: TestGatewayOptions = {}): Promise<TestGateway> => {
  const gateway = await startTestGateway(options)
  afterAll(() => gateway.close())
  beforeEach(() => resetEmulators(gateway))
  return gateway
}
