import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A Go module of this folder, whose go.mod and go.sum pin every source, and the commands that are built from it. */
export type GoModule = {
  readonly name: string
  readonly folder: string
  /** The import path of each command, by the name of its binary. */
  readonly commands: Readonly<Record<string, string>>
  readonly linkerFlags: readonly string[]
}

const folderOf = (name: string): string => fileURLToPath(new URL(`../go/${name}`, import.meta.url))
const stamp = (field: string, value: string): string => `-X k8s.io/component-base/version.${field}=${value}`

const kubernetes = 'k8s.io/kubernetes/cmd'

/** In the order in which they are built: the quick ones tell first that something is missing. */
export const modules: readonly GoModule[] = [
  { name: 'etcd', folder: folderOf('etcd'), commands: { etcd: 'go.etcd.io/etcd/server/v3' }, linkerFlags: [] },
  { name: 'kwok', folder: folderOf('kwok'), commands: { kwok: 'sigs.k8s.io/kwok/cmd/kwok' }, linkerFlags: [] },
  {
    name: 'kubernetes',
    folder: folderOf('kubernetes'),
    commands: {
      'kube-apiserver': `${kubernetes}/kube-apiserver`,
      'kube-controller-manager': `${kubernetes}/kube-controller-manager`,
      'kube-scheduler': `${kubernetes}/kube-scheduler`,
    },
    // Without a version of its own a server says v0.0.0, which charts with a `kubeVersion` refuse.
    linkerFlags: [stamp('gitVersion', kubernetesVersion()), stamp('gitMajor', '1'), stamp('gitMinor', '35')],
  },
]

/** The version of Kubernetes that go.mod asks for, such as `v1.35.4`. */
function kubernetesVersion(): string {
  const found = /^\s*k8s\.io\/kubernetes (v\S+)/m.exec(readFileSync(join(folderOf('kubernetes'), 'go.mod'), 'utf8'))
  if (found?.[1] === undefined) throw new Error('the go.mod of kubernetes names no version of k8s.io/kubernetes')
  return found[1]
}

/** What the binaries of a module depend on: its pinned sources and how they are built. */
export function keyOf({ folder, commands, linkerFlags }: GoModule): string {
  const hash = createHash('sha256').update(JSON.stringify([commands, linkerFlags]))
  for (const file of ['go.mod', 'go.sum']) hash.update(readFileSync(join(folder, file)))
  return hash.digest('hex').slice(0, 16)
}
