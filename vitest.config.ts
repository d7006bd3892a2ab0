import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{server,sandbox,test,tools,bench}/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    // Two cores: more forks only make timings worse.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
