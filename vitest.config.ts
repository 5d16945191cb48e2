import { defineConfig } from 'vitest/config'

/**
 * Tests import the sources; the processes that they start run the build in `dist`, which `npm test` makes first.
 * What takes longer than a few seconds is a file `*.slow.test.ts` and runs by `npm run test:slow`.
 */
export default defineConfig({
  test: {
    globalSetup: ['test/support/postgres-server.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    teardownTimeout: 10_000,
    // Most of a test's time is spent in processes that it started: one worker a core keeps both busy.
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: 'fast', include: ['test/**/*.test.ts'], exclude: ['test/**/*.slow.test.ts'] } },
      { extends: true, test: { name: 'slow', include: ['test/**/*.slow.test.ts'], testTimeout: 180_000, hookTimeout: 60_000 } },
      { extends: true, test: { name: 'mutants', include: ['test/mutants/run.ts'], testTimeout: 180_000, maxConcurrency: 2 } },
    ],
  },
})
