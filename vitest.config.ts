import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { Interleaved } from './test/support/interleaved.ts'

const node = { environment: 'node', testTimeout: 60_000, hookTimeout: 120_000 } as const
const database = { globalSetup: ['test/support/database-server.ts'] }
/** One real cluster for all of them, built where it has not been. */
const realCluster = {
  globalSetup: [...database.globalSetup, 'test/support/real-cluster.ts'],
  setupFiles: ['test/support/on-real-cluster.ts'],
}

export default defineConfig({
  test: {
    // A file waits half of its time, for helm and for pods: with no more files at a time than there are cores a small
    // machine is idle.
    maxWorkers: Math.ceil(availableParallelism() * 1.5),
    sequence: { sequencer: Interleaved },
    projects: [
      {
        test: {
          ...node,
          name: 'unit',
          include: ['src/**/*.test.ts', 'packages/*/src/**/*.test.ts', 'test/*.test.ts'],
          // Most of these are pure: to load everything anew for each file costs half of their time.
          isolate: false,
          testTimeout: 20_000,
        },
      },
      { test: { ...node, ...database, name: 'contract', include: ['test/contract/**/*.test.ts'] } },
      {
        test: {
          ...node,
          ...database,
          name: 'scenarios',
          include: ['test/scenarios/**/*.test.ts'],
          testTimeout: 180_000,
        },
      },
      // Needs root: it mounts.
      {
        test: {
          ...node,
          ...database,
          name: 'disk',
          include: ['test/disk/*.test.ts'],
          testTimeout: 300_000,
        },
      },
      // Needs Java and Maven.
      {
        test: {
          ...node,
          ...database,
          name: 'kafka',
          include: ['test/kafka/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          ...node,
          ...realCluster,
          name: 'real',
          include: [
            'test/testbed/*.test.ts',
            'test/contract/{cluster,kubernetes,helm,controllers,releases,drivers}/*.test.ts',
            'test/scenarios/{releases,upgrades}/*.test.ts',
          ],
          // What only rehearses meets no cluster.
          exclude: ['test/scenarios/upgrades/{database,initiate,rehearsals,status-table}.test.ts'],
          testTimeout: 180_000,
        },
      },
    ],
  },
})
