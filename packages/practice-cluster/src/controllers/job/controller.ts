import { types } from '../../resources/table.ts'
import type { Change, KubeInput } from '../../store/types.ts'
import { controllerOf, type Decision, NOTHING } from '../decision.ts'
import type { Job, Pod } from '../model.ts'
import { admissionFor } from '../policy/quota.ts'
import { type Controller, itsController, itself, type Place } from '../runtime/controller.ts'
import type { View } from '../runtime/view.ts'
import { decideJob } from './decide.ts'
import { isTracked, untracked } from './tracking.ts'

/** The Job controller. It also lets go of pods whose Job is no longer there to count them. */
export const jobController: Controller = {
  name: 'job-controller',

  concerns: (change) => [...itself(change, types.jobs), ...jobOf(change)],

  decide({ namespace, name }, view) {
    const job = view.store.get(types.jobs, namespace, name) as Job | undefined
    if (job === undefined) return releaseOf(namespace, name, view)
    const admit = (pod: KubeInput, wanted: number) => admissionFor(view.store, pod, wanted)
    return decideJob({ job, pods: view.podsOf(job.metadata.uid), now: view.now(), admit })
  },
}

const jobOf = (change: Change): readonly Place[] => (change.type === types.pods ? itsController(change, 'Job') : [])

function releaseOf(namespace: string, name: string, { store }: View): Decision {
  const pods = store.list(types.pods, namespace) as readonly Pod[]
  const left = pods.filter((pod) => isTracked(pod) && controllerOf(pod)?.name === name)
  return left.length === 0 ? NOTHING : { writes: left.map(untracked) }
}
