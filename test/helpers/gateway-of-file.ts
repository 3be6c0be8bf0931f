import { afterAll, beforeEach } from 'vitest'
import { resetEmulators, startTestGateway, type TestGateway } from './start-test-gateway.ts'

/** Starts one gateway for all tests of a file; before each of them its emulators are as new. */
export const gatewayOfFile = async (): Promise<TestGateway> => {
  const gateway = await startTestGateway()
  afterAll(() => gateway.close())
  beforeEach(() => resetEmulators(gateway))
  return gateway
}
