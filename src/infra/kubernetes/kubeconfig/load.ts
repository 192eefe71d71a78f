import { readFileSync } from 'node:fs'
import { delimiter, dirname } from 'node:path'
import { parse } from 'yaml'
import { isJsonObject, type Json, type JsonObject } from '../../../core/json.ts'
import { type Context, type Kubeconfig, KubeconfigError } from './model.ts'
import { parseCluster, parseUser } from './parse.ts'

type Entry = { readonly body: JsonObject; readonly folder: string }
type Section = Map<string, Entry>

/**
 * Reads the files of `KUBECONFIG` (several with the platform's delimiter; of two entries of one name the first counts,
 * as with kubectl) and resolves every context. Throws `KubeconfigError`.
 */
export function loadKubeconfig(paths: string): Kubeconfig {
  const files = paths.split(delimiter).filter((path) => path !== '')
  const texts = files.map((path) => ({ path, text: readText(path) }))
  return mergeKubeconfigs(texts)
}

/** As `loadKubeconfig`, of what was read already. */
export function mergeKubeconfigs(files: readonly { readonly path: string; readonly text: string }[]): Kubeconfig {
  const parsed = files.map(({ path, text }) => ({ folder: dirname(path), body: parseText(text, path) }))
  const section = (list: string, key: string): Section => collect(parsed, list, key)
  const [clusters, users, contexts] = [
    section('clusters', 'cluster'),
    section('users', 'user'),
    section('contexts', 'context'),
  ]
  const current = parsed
    .map(({ body }) => body['current-context'])
    .find((name) => typeof name === 'string' && name !== '')
  return {
    current: typeof current === 'string' ? current : null,
    contexts: [...contexts].map(([name, { body }]) => resolveContext(name, body, clusters, users)),
  }
}

/** The context of that name, or the current one. Throws `KubeconfigError` naming those that exist. */
export function selectContext(config: Kubeconfig, name?: string): Context {
  const wanted = name ?? config.current
  const found = config.contexts.find((context) => context.name === wanted)
  if (found !== undefined) return found
  const known = config.contexts.map((context) => context.name).join(', ') || 'none'
  throw new KubeconfigError(`there is no context ${wanted ?? '(current)'}; there are: ${known}`)
}

function resolveContext(name: string, context: JsonObject, clusters: Section, users: Section): Context {
  const clusterName = String(context.cluster)
  const cluster = clusters.get(clusterName)
  if (cluster === undefined) throw new KubeconfigError(`context ${name}: there is no cluster ${clusterName}`)
  const user = users.get(String(context.user)) ?? { body: {}, folder: '.' }
  return {
    name,
    cluster: parseCluster(cluster.body, cluster.folder, clusterName),
    user: parseUser(user.body, user.folder),
  }
}

function collect(files: readonly Entry[], list: string, key: string): Section {
  const section: Section = new Map()
  for (const { body, folder } of files) {
    for (const item of asList(body[list])) {
      if (!isJsonObject(item) || typeof item.name !== 'string' || section.has(item.name)) continue
      section.set(item.name, { body: isJsonObject(item[key]) ? item[key] : {}, folder })
    }
  }
  return section
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new KubeconfigError(`${path} cannot be read`, { cause: error })
  }
}

function parseText(text: string, path: string): JsonObject {
  try {
    const body: unknown = parse(text)
    if (isJsonObject(body)) return body
  } catch {
    // The parser's message quotes the text, credentials included.
  }
  throw new KubeconfigError(`${path} is not a kubeconfig`)
}

const asList = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : [])
