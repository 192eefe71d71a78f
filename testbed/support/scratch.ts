import { spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Waits for the end of its input, which comes with the end of the process that writes there, also when it is killed. */
const SWEEP = 'cat; until rm -rf "$0"; do sleep 0.2; done'

/** A temporary folder. */
export type Scratch = {
  readonly folder: string
  /** Removes it; resolves once it is gone. */
  remove(): Promise<void>
}

/** A temporary folder of the owner only that is removed with this process, however it ends. */
export function scratchFolder(prefix: string): Scratch {
  const folder = mkdtempSync(join(tmpdir(), prefix))
  const sweeper = spawn('sh', ['-c', SWEEP, folder], { cwd: '/', stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  const swept = new Promise<void>((resolve) => sweeper.once('exit', () => resolve()))
  const remove = async () => {
    sweeper.stdin.end()
    await swept
  }
  return { folder, remove }
}
