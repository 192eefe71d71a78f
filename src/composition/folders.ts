import { accessSync, constants, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Config, ConfigError } from '../config.ts'

/**
 * Makes the data folder and looks at the others, before anything else is started. Throws `ConfigError` for the first
 * that cannot be used.
 */
export function prepareFolders({ home, chartFolders }: Pick<Config, 'home' | 'chartFolders'>): void {
  try {
    makeFolder(home)
    accessSync(home, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new ConfigError(`FLOTILLA_HOME must be a folder that can be made and written, ${home} is none (${code})`)
  }
  const missing = chartFolders.find((folder) => !isFolder(folder))
  if (missing !== undefined) throw new ConfigError(`CHART_FOLDERS must be folders that there are, ${missing} is none`)
}

/** Node's own `recursive` tries for ever where a folder is refused as if its parent were missing, as in /proc. */
function makeFolder(path: string): void {
  if (isFolder(path)) return
  if (dirname(path) !== path) makeFolder(dirname(path))
  try {
    mkdirSync(path)
  } catch (error) {
    if (!isFolder(path)) throw error
  }
}

const isFolder = (path: string): boolean => {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}
