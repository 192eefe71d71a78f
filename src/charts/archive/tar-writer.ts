import { packTgz } from '../../infra/tgz.ts'
import { safePath } from './paths.ts'

/** The packaged chart of these files, below one folder (`packTgz`). Throws `chart_invalid` for an unsafe path. */
export function packFiles(root: string, files: ReadonlyMap<string, Uint8Array>): Buffer {
  return packTgz(new Map([...files].map(([path, content]) => [safePath(`${root}/${path}`), content])))
}
