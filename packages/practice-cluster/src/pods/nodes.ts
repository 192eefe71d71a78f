import { timestamp } from '../controllers/decision.ts'
import type { Condition, Node } from '../controllers/model.ts'
import type { KubeInput } from '../store/types.ts'

const SIMULATED = 'practice.flotilla.dev/simulated'

/** The names of the simulated nodes. */
export const nodeNames = ['simulated-node-1', 'simulated-node-2', 'simulated-node-3'] as const

/** A Ready node on which nothing really runs; its name, its labels and its version say so. */
export function simulatedNode(name: string, index: number, now: number): KubeInput {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        [SIMULATED]: 'true',
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        'topology.kubernetes.io/zone': `simulated-${index}`,
      },
      annotations: { [SIMULATED]: 'No container runs here: the practice cluster only plays what would happen.' },
    },
    spec: { podCIDR: `10.244.${index}.0/24`, providerID: `simulated://${name}` },
    status: nodeStatus(name, index, now),
  }
}

const ROOM = { cpu: '64', memory: '256Gi', pods: '2000', 'ephemeral-storage': '1Ti' }

/** What a node reports that somebody created through the API: what was given of it stays. */
export function reportedStatus({ metadata, status }: Node, index: number, now: number): Node['status'] {
  const capacity = status?.capacity ?? status?.allocatable ?? ROOM
  const conditions = nodeConditions(now)
  return { ...nodeStatus(metadata.name, index, now), capacity, allocatable: capacity, ...status, conditions }
}

function nodeStatus(name: string, index: number, now: number) {
  return {
    capacity: ROOM,
    allocatable: ROOM,
    conditions: nodeConditions(now),
    addresses: [
      { type: 'InternalIP', address: `192.0.2.${10 + (index % 240)}` },
      { type: 'Hostname', address: name },
    ],
    nodeInfo: {
      architecture: 'amd64',
      operatingSystem: 'linux',
      osImage: 'simulated',
      kernelVersion: 'simulated',
      containerRuntimeVersion: 'simulated://0',
      kubeletVersion: 'v1.35.0-simulated',
      kubeProxyVersion: '',
      machineID: '',
      systemUUID: '',
      bootID: '',
    },
  }
}

function nodeConditions(now: number): readonly Condition[] {
  const at = { lastTransitionTime: timestamp(now), lastHeartbeatTime: timestamp(now) }
  const calm = ['MemoryPressure', 'DiskPressure', 'PIDPressure'].map((type): Condition => {
    return { type, status: 'False', reason: 'Simulated', message: 'the node is simulated', ...at }
  })
  return [...calm, { type: 'Ready', status: 'True', reason: 'Simulated', message: 'the node is simulated', ...at }]
}
