import type { Store } from '../store/types.ts'
import type { Allocator } from './prepare.ts'
import { types } from './table.ts'

type ServiceSpec = { readonly clusterIP?: string; readonly ports?: readonly { readonly nodePort?: number }[] }

const FIRST_NODE_PORT = 30_000
const NODE_PORTS = 2_768

/** Hands out what no Service of the store uses: addresses of 10.96.0.0/16, ports from 30000 up. */
export function allocatorFor(store: Store): Allocator {
  const specs = () => store.list(types.services).map((service) => (service.spec ?? {}) as ServiceSpec)
  let last = 10
  return {
    clusterIp() {
      const used = new Set(specs().map((spec) => spec.clusterIP))
      do last = (last + 1) % 65_000
      while (used.has(address(last)))
      return address(last)
    },
    nodePort() {
      const used = new Set(specs().flatMap((spec) => (spec.ports ?? []).map((port) => port.nodePort)))
      const free = Array.from({ length: NODE_PORTS }, (_, i) => FIRST_NODE_PORT + i).find((port) => !used.has(port))
      if (free === undefined) throw new Error('every node port is taken')
      return free
    },
  }
}

const address = (n: number): string => `10.96.${n >> 8}.${n & 255 || 1}`
