import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findHelm, type HelmBinary } from '../../src/infra/helm/index.ts'

/** Where tests unpack helm, once for all runs of a user: another user's folder cannot be written to. */
export const helmCache = join(tmpdir(), `flotilla-helm-cache-${process.getuid?.() ?? 'any'}`)

/** The helm that a run of the suites is about: that of `HELM_BIN`, else the packaged one. Never one of the PATH. */
export const testedHelm = (): Promise<HelmBinary> =>
  findHelm({ configured: process.env.HELM_BIN, cacheFolder: helmCache, path: '' })

/** The environment by which a Flotilla of its own uses the same helm. */
export const testedHelmEnv: Readonly<Record<string, string>> =
  process.env.HELM_BIN === undefined ? {} : { HELM_BIN: process.env.HELM_BIN }

/** Which command line that helm has. What a test expects of helm itself may differ by it; what Flotilla promises may not. */
export const { dialect: testedDialect } = await testedHelm()

/** What a hand types for the same thing: 3.17 waits for hooks in any case, and overwrites without being told. */
export const handFlags =
  testedDialect === 'v4'
    ? { hooksOnly: ['--wait=hookOnly'], wait: ['--wait=watcher'], force: ['--force-conflicts'] }
    : { hooksOnly: [], wait: ['--wait'], force: [] }
