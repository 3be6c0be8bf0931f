import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    // Most of the time is waiting for sockets and processes, on two cores too.
    maxWorkers: 3,
  },
})
